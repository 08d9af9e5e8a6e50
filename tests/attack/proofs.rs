//! For every attack of the design and every guarantee, the tests that prove it.
//!
//! Never: an id without a test, a test that is not there, a row of the attacker that no id asks for.

use std::collections::{BTreeMap, BTreeSet};

use remit_attacker::{Level, ROWS};
use syn::visit::{self, Visit};

/// Where tests are: what stands before the first `/` of a proof, and the folder that it means.
const FOLDERS: &[(&str, &str)] = &[
    ("here", "tests/attack"),
    ("journey", "tests/journey"),
    ("broker", "host/process/tests/process"),
    ("parts", "host/process/src"),
    ("rules", "host/core/src"),
    ("changes", "host/workspace/tests"),
];

/// An id, and its tests, each as `folder/file::function`.
type Proof = (&'static str, &'static [&'static str]);

/// What whole runs of the attacker prove.
const LEVELS: [&str; 3] = [
    "here/matrix.rs::level_a_keeps_its_promises",
    "here/matrix.rs::level_b_keeps_its_promises",
    "here/matrix.rs::level_b_prime_keeps_its_promises",
];

const PROOFS: &[Proof] = &[
    (
        "A1",
        &["here/hostile.rs::no_value_becomes_an_option_or_leads_outside"],
    ),
    (
        "A2",
        &[
            "here/hostile.rs::no_value_becomes_an_option_or_leads_outside",
            "rules/tool/template/tests.rs::no_value_becomes_an_option",
        ],
    ),
    (
        "A3",
        &["here/hostile.rs::what_is_not_a_template_is_not_run"],
    ),
    (
        "A4",
        &[
            "here/hostile.rs::no_value_becomes_an_option_or_leads_outside",
            LEVELS[0],
        ],
    ),
    (
        "A5",
        &["here/hostile.rs::no_value_becomes_an_option_or_leads_outside"],
    ),
    (
        "A6",
        &[
            "here/hostile.rs::variables_that_a_program_obeys_reach_no_tool",
            "rules/tool/environment/tests.rs::hostile_names_are_known_whatever_their_case",
        ],
    ),
    (
        "A7",
        &[
            "here/hostile.rs::what_a_repository_has_git_run_stays_inside",
            LEVELS[0],
        ],
    ),
    (
        "A8",
        &[
            "here/hostile.rs::tools_whose_purpose_is_to_start_others_are_refused",
            "here/hostile.rs::templates_in_which_a_value_could_become_an_option_are_refused",
            "rules/tool/program.rs::shells_and_launchers_are_refused_under_any_path_and_version",
        ],
    ),
    (
        "A9",
        &["here/packages.rs::scripts_of_a_package_stay_inside_and_its_settings_choose_no_shell"],
    ),
    (
        "A10",
        &["here/packages.rs::modules_of_the_workspace_stand_in_for_no_other_and_stay_inside"],
    ),
    (
        "A11",
        &["here/packages.rs::a_build_script_stays_inside_and_the_workspace_chooses_no_compiler"],
    ),
    (
        "A12",
        &[
            "here/hostile.rs::variables_that_a_program_obeys_reach_no_tool",
            "broker/surroundings.rs::the_environment_is_exactly_what_was_decided",
        ],
    ),
    (
        "A13",
        &[
            "here/packages.rs::programs_of_the_workspace_stand_in_for_no_tool",
            "broker/surroundings.rs::scripts_run_by_their_pinned_interpreter_and_never_by_a_shell",
        ],
    ),
    ("A14", &LEVELS),
    (
        "B1",
        &[
            "broker/surroundings.rs::a_directory_that_is_swapped_for_a_link_never_leads_out",
            "broker/surroundings.rs::a_tool_runs_in_a_directory_of_the_workspace_or_not_at_all",
            "parts/directory.rs::only_what_lies_in_the_workspace_is_opened",
        ],
    ),
    ("B2", &LEVELS),
    (
        "B3",
        &["here/packages.rs::an_archive_is_no_plugin_and_is_not_unpacked"],
    ),
    ("B4", &LEVELS),
    ("B5", &LEVELS),
    ("B6", &[LEVELS[0], LEVELS[2]]),
    (
        "B7",
        &[
            LEVELS[0],
            LEVELS[2],
            "here/matrix.rs::what_is_denied_inside_of_a_grant_is_not_reached",
        ],
    ),
    (
        "C1",
        &[
            LEVELS[0],
            "broker/surroundings.rs::a_tool_starts_with_clean_signals_and_three_descriptors",
        ],
    ),
    (
        "C2",
        &[
            LEVELS[0],
            LEVELS[1],
            LEVELS[2],
            "here/terminal.rs::at_a_terminal_nothing_is_typed_for_the_user",
        ],
    ),
    (
        "C3",
        &[
            LEVELS[0],
            LEVELS[1],
            "broker/trees.rs::a_killed_supervisor_takes_the_tree_with_it",
        ],
    ),
    (
        "C4",
        &[
            "broker/trees.rs::a_cancelled_tree_is_gone_when_its_end_is_reported",
            "broker/trees.rs::daemons_of_a_tool_that_exits_end_with_it_and_do_not_hold_its_streams",
        ],
    ),
    ("C5", &["here/matrix.rs::a_fork_bomb_is_bounded"]),
    (
        "C6",
        &[
            LEVELS[0],
            LEVELS[1],
            LEVELS[2],
            "broker/limits.rs::a_tool_ends_at_its_wall_limit",
        ],
    ),
    ("C7", &LEVELS),
    ("C8", &LEVELS),
    (
        "D1",
        &[
            "broker/streams.rs::the_soft_limit_keeps_exactly_so_much_and_counts_the_rest",
            "broker/streams.rs::the_hard_limit_ends_the_tool",
            "broker/streams.rs::bytes_arrive_unchanged_on_both_streams",
        ],
    ),
    (
        "D2",
        &[
            "broker/streams.rs::a_reader_that_does_not_read_blocks_the_tool_and_a_kill_still_works",
            "broker/limits.rs::a_reader_that_stalls_does_not_make_the_tool_silent",
            "broker/trees.rs::a_dropped_handle_ends_the_tree",
        ],
    ),
    (
        "D3",
        &[
            "broker/stdin.rs::a_writer_waits_for_a_tool_that_does_not_read_and_can_give_up",
            "broker/stdin.rs::a_tool_that_closes_its_input_is_no_error_of_the_run",
        ],
    ),
    (
        "D4",
        &[
            "broker/exits.rs::arguments_are_measured_before_anything_starts",
            "broker/exits.rs::arguments_up_to_the_limit_arrive_whole",
        ],
    ),
    (
        "D5",
        &[
            "broker/surroundings.rs::a_pinned_program_that_is_replaced_does_not_run",
            "parts/pinned_file.rs::every_way_to_replace_a_program_is_seen",
        ],
    ),
    ("D6", &[LEVELS[0], LEVELS[1]]),
    (
        "D7",
        &["broker/trees.rs::a_host_that_is_killed_during_a_start_leaves_nothing"],
    ),
    (
        "D8",
        &[
            "here/matrix.rs::what_a_run_leaves_the_next_one_does_not_find",
            "parts/private.rs::directories_are_private_and_go_when_the_run_goes",
        ],
    ),
    (
        "G1",
        &[
            "broker/surroundings.rs::a_pinned_program_that_is_replaced_does_not_run",
            "here/packages.rs::programs_of_the_workspace_stand_in_for_no_tool",
        ],
    ),
    (
        "G2",
        &[
            "rules/tool/template/tests.rs::no_value_becomes_an_option",
            "here/hostile.rs::no_value_becomes_an_option_or_leads_outside",
        ],
    ),
    (
        "G3",
        &[
            "broker/surroundings.rs::the_environment_is_exactly_what_was_decided",
            LEVELS[0],
        ],
    ),
    (
        "G4",
        &[
            "broker/surroundings.rs::a_directory_that_is_swapped_for_a_link_never_leads_out",
            "broker/surroundings.rs::the_tool_is_where_the_opened_directory_is_even_after_a_rename",
        ],
    ),
    ("G5", &LEVELS),
    ("G6", &LEVELS),
    (
        "G7",
        &[
            "broker/trees.rs::a_killed_host_leaves_nothing",
            "broker/trees.rs::a_killed_supervisor_takes_the_tree_with_it",
            "journey/kill.rs::a_killed_host_leaves_no_process",
        ],
    ),
    (
        "G8",
        &["broker/soak.rs::a_thousand_runs_leave_no_zombie_no_descriptor_and_no_directory"],
    ),
    (
        "G9",
        &[
            "broker/limits.rs::a_tool_ends_at_its_wall_limit",
            "broker/limits.rs::silence_ends_a_tool_and_output_keeps_it",
            "broker/limits.rs::a_reader_that_stalls_does_not_make_the_tool_silent",
        ],
    ),
    ("G10", &["broker/streams.rs::no_flood_makes_the_host_grow"]),
    (
        "G11",
        &["here/matrix.rs::a_fork_bomb_is_bounded", LEVELS[0]],
    ),
    (
        "G12",
        &[
            "broker/exits.rs::every_exit_code_is_reported",
            "broker/exits.rs::every_fatal_signal_is_reported",
            "broker/exits.rs::what_the_kernel_does_not_execute_is_refused_with_its_number",
            "here/matrix.rs::an_ordinary_tool_still_works",
        ],
    ),
    ("G13", &LEVELS),
    (
        "G14",
        &[
            "here/closed.rs::nobody_of_the_same_user_looks_into_a_running_host",
            LEVELS[0],
            LEVELS[1],
            LEVELS[2],
        ],
    ),
    (
        "G15",
        &[
            LEVELS[0],
            "here/matrix.rs::what_a_run_leaves_the_next_one_does_not_find",
        ],
    ),
    (
        "G16",
        &[
            "changes/changes.rs::files_that_come_change_and_go",
            "changes/changes.rs::an_edit_of_equal_length_with_its_time_set_back_is_seen",
            "changes/changes.rs::a_mode_is_part_of_a_file_and_of_a_directory",
        ],
    ),
    (
        "G17",
        &[
            "here/without.rs::without_landlock_namespaces_remain",
            "here/without.rs::without_namespaces_landlock_remains",
            "here/without.rs::without_mounts_no_root_is_claimed",
            "here/without.rs::without_filters_nothing_runs",
            "here/without.rs::without_anything_nothing_runs",
        ],
    ),
    (
        "G18",
        &[
            "broker/spawning.rs::no_start_forks_the_host",
            "broker/spawning.rs::the_host_starts_its_supervisors_without_copying_itself",
        ],
    ),
];

/// How many there are of each kind.
const KINDS: [(&str, usize); 5] = [("A", 14), ("B", 7), ("C", 8), ("D", 8), ("G", 18)];

/// Every id of the design.
fn ids() -> BTreeSet<String> {
    let all = KINDS
        .iter()
        .flat_map(|(kind, count)| (1..=*count).map(move |number| format!("{kind}{number}")));
    all.collect()
}

/// Names of the test functions of a source.
#[derive(Default)]
struct Tests(BTreeSet<String>);

impl<'ast> Visit<'ast> for Tests {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let is_test = |attribute: &syn::Attribute| {
            let last = attribute.path().segments.last();
            last.is_some_and(|segment| segment.ident == "test")
        };
        if item.attrs.iter().any(is_test) {
            self.0.insert(item.sig.ident.to_string());
        }
        visit::visit_item_fn(self, item);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        // `proptest!` holds functions with the attribute of a test.
        let text = item.tokens.to_string();
        for part in text.split("# [test]").skip(1) {
            let name = part
                .split("fn ")
                .nth(1)
                .and_then(|rest| rest.split(['(', ' ']).next());
            self.0.extend(name.map(str::to_owned));
        }
    }
}

/// The test functions of a file.
fn tests_of(file: &str) -> BTreeSet<String> {
    let path = crate::home::repository().join(file);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut tests = Tests::default();
    tests.visit_file(&syn::parse_file(&text).unwrap());
    tests.0
}

#[test]
fn everything_that_is_promised_has_a_test() {
    let proved: BTreeSet<String> = PROOFS.iter().map(|(id, _)| (*id).to_owned()).collect();
    assert_eq!(proved, ids(), "left: the table, right: the design");
    assert_eq!(
        proved.len(),
        PROOFS.len(),
        "an id stands twice in the table"
    );
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut missing = Vec::new();
    for (id, tests) in PROOFS {
        assert!(!tests.is_empty(), "{id} has no test");
        for proof in *tests {
            let (tag, rest) = proof.split_once('/').unwrap();
            let (file, function) = rest.split_once("::").unwrap();
            let (_, folder) = FOLDERS.iter().find(|(known, _)| *known == tag).unwrap();
            let path = format!("{folder}/{file}");
            let tests = known.entry(path.clone()).or_insert_with(|| tests_of(&path));
            if !tests.contains(function) {
                missing.push(format!("{id}: {path} has no test `{function}`"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_row_stands_for_an_id_that_runs_it() {
    let ids = ids();
    for row in ROWS {
        for id in row.ids {
            assert!(ids.contains(*id), "{}: the design has no {id}", row.name);
        }
    }
}

#[test]
fn the_document_says_what_each_level_leaves_open() {
    let path = crate::home::repository().join("docs/security.md");
    let text = std::fs::read_to_string(path).unwrap();
    for row in ROWS {
        let open: Vec<&str> = row.open_at().map(Level::name).collect();
        let line = format!("| `{}` | {} | {} |", row.name, row.tries, open.join(", "));
        // Without confinement almost everything is open, and the document says that once.
        let expected = open.iter().any(|level| *level != "C");
        assert_eq!(text.contains(&line), expected, "{line}");
    }
}
