//! Proofs for plans as graphs: small ones by hand, any by a slow and simple second computation,
//! deep and wide ones by size.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn graph(needs: &[&[usize]]) -> Result<Graph, Cycle> {
    let names = ["a", "b", "c", "d", "e", "f"];
    let needs: Vec<Vec<usize>> = needs.iter().map(|list| list.to_vec()).collect();
    Graph::new(&names[..needs.len()], &needs)
}

#[test]
fn waves_follow_the_longest_way() {
    // c needs a and b; d needs c and a; e needs nothing; f needs e.
    let graph = graph(&[&[], &[0], &[0, 1], &[2, 0], &[], &[4]]).unwrap();
    assert_eq!(graph.waves(), [vec![0, 4], vec![1, 5], vec![2], vec![3]]);
    assert_eq!(graph.levels(), [0, 1, 2, 3, 0, 1]);
    assert_eq!(graph.order(), [0, 4, 1, 5, 2, 3]);
    assert_eq!(graph.needs(3), [0, 2]);
    assert_eq!(graph.needed_by(0), [1, 2, 3]);
    assert_eq!(graph.dependants(0), [1, 2, 3]);
    assert_eq!(graph.dependants(1), [2, 3]);
    assert_eq!(graph.dependants(3), [0; 0]);
    assert_eq!((graph.len(), graph.is_empty()), (6, false));
}

#[test]
fn nothing_is_a_graph() {
    let graph = graph(&[]).unwrap();
    assert!(graph.is_empty());
    assert!(graph.waves().is_empty());
    assert!(graph.dependants(0).is_empty());
    assert!(graph.needs(7).is_empty());
}

#[test]
fn second_mentions_and_positions_of_no_task_are_left_out() {
    let plain = graph(&[&[], &[0]]).unwrap();
    assert_eq!(graph(&[&[9], &[0, 0, 2, 0]]).unwrap(), plain);
    let short = Graph::new(&["a", "b"], &[]).unwrap();
    assert_eq!(short.waves(), [[0, 1]]);
    let long = Graph::new(&["a"], &[vec![], vec![0]]).unwrap();
    assert_eq!(long.waves(), [[0]]);
}

#[test]
fn a_cycle_is_named_whole_and_in_order() {
    let says = |needs: &[&[usize]]| graph(needs).unwrap_err().to_string();
    assert_eq!(says(&[&[0]]), "a → a");
    assert_eq!(says(&[&[1], &[2], &[0]]), "a → b → c → a");
    assert_eq!(says(&[&[2], &[0], &[1]]), "a → c → b → a");
    // What leads to it, and what waits for it, is no part of it.
    assert_eq!(
        says(&[&[1], &[3], &[], &[4, 2], &[1, 2], &[0]]),
        "b → d → e → b"
    );
    let cycle = graph(&[&[], &[2], &[1]]).unwrap_err();
    assert_eq!(cycle.nodes, [1, 2]);
    assert_eq!(cycle.names, ["b", "c"]);
}

/// Enough that recursion overflows a test's stack, and a quadratic algorithm is never done.
const MANY: usize = 100_000;

#[test]
fn deep_chains_and_wide_fans_are_no_problem() {
    let names = vec!["t"; MANY];
    let chain: Vec<Vec<usize>> = (0..MANY)
        .map(|n| n.checked_sub(1).into_iter().collect())
        .collect();
    let deep = Graph::new(&names, &chain).unwrap();
    assert_eq!(deep.waves().len(), MANY);
    assert_eq!(deep.dependants(0).len(), MANY - 1);

    // The same chain the other way round in the list.
    let back: Vec<Vec<usize>> = (1..=MANY)
        .map(|n| if n < MANY { vec![n] } else { vec![] })
        .collect();
    let deep = Graph::new(&names, &back).unwrap();
    assert_eq!(deep.order().first(), Some(&(MANY - 1)));

    let fan: Vec<Vec<usize>> = (0..MANY)
        .map(|n| if n == 0 { (1..MANY).collect() } else { vec![] })
        .collect();
    let wide = Graph::new(&names, &fan).unwrap();
    assert_eq!(wide.waves().len(), 2);
    assert_eq!(wide.needs(0).len(), MANY - 1);
}

#[test]
fn a_long_cycle_is_held_whole_and_shown_in_part() {
    let names: Vec<String> = (0..MANY).map(|n| format!("t{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let ring: Vec<Vec<usize>> = (0..MANY).map(|n| vec![(n + 1) % MANY]).collect();
    let cycle = Graph::new(&names, &ring).unwrap_err();
    assert_eq!(cycle.nodes, (0..MANY).collect::<Vec<_>>());
    let text = cycle.to_string();
    assert!(text.starts_with("t0 → t1 → t2 → "), "{text}");
    assert!(text.ends_with("t99 → … (99900 more) → t0"), "{text}");
    let whole: Vec<Vec<usize>> = (0..MAX_SHOWN).map(|n| vec![(n + 1) % MAX_SHOWN]).collect();
    let text = Graph::new(&names[..MAX_SHOWN], &whole)
        .unwrap_err()
        .to_string();
    assert!(text.ends_with("t98 → t99 → t0"), "{text}");
}

/// Needs of up to 12 tasks, in any direction.
fn any_needs() -> impl Strategy<Value = Vec<Vec<usize>>> {
    (1..12_usize).prop_flat_map(|nodes| {
        prop::collection::vec(prop::collection::vec(0..nodes, 0..3), nodes..=nodes)
    })
}

/// Everyone who needs a task through others, by repetition until nothing is new.
fn reach(needs: &[Vec<usize>], from: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    loop {
        let next: BTreeSet<usize> = (0..needs.len())
            .filter(|n| {
                needs[*n]
                    .iter()
                    .any(|need| *need == from || found.contains(need))
            })
            .collect();
        if next == found {
            return found;
        }
        found = next;
    }
}

proptest! {
    #[test]
    fn any_plan_is_ordered_or_its_cycle_is_real(needs in any_needs()) {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
        let cyclic = (0..needs.len()).any(|n| reach(&needs, n).contains(&n));
        match Graph::new(&names[..needs.len()], &needs) {
            Err(cycle) => {
                prop_assert!(cyclic);
                let nodes = &cycle.nodes;
                for (place, node) in nodes.iter().enumerate() {
                    let next = nodes[(place + 1) % nodes.len()];
                    prop_assert!(needs[*node].contains(&next));
                    prop_assert_eq!(cycle.names[place].as_str(), names[*node]);
                }
                prop_assert_eq!(nodes.iter().collect::<BTreeSet<_>>().len(), nodes.len());
                prop_assert_eq!(nodes.first(), nodes.iter().min());
            }
            Ok(graph) => {
                prop_assert!(!cyclic);
                for (node, list) in needs.iter().enumerate() {
                    let level = list.iter().map(|need| graph.levels()[*need] + 1).max();
                    prop_assert_eq!(graph.levels()[node], level.unwrap_or(0));
                    let reached: Vec<usize> = reach(&needs, node).into_iter().collect();
                    prop_assert_eq!(graph.dependants(node), reached);
                }
                let mut all = graph.waves().concat();
                prop_assert_eq!(&all, graph.order());
                all.sort_unstable();
                prop_assert_eq!(all, (0..needs.len()).collect::<Vec<_>>());
                prop_assert!(graph.waves().iter().all(|wave| !wave.is_empty()));
            }
        }
    }
}
