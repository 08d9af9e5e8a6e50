//! For every attack of the design and every guarantee, the tests that prove it.
//!
//! Never: an id without a test, a test that is not there, a row of the attacker that no id asks for.

use std::collections::{BTreeMap, BTreeSet};

use remit_attacker::ROWS;
use syn::visit::{self, Visit};

/// Tests of the broker, of its parts, of the rules, of the whole.
const BROKER: &str = "host/process/tests/process";
const PARTS: &str = "host/process/src";
const RULES: &str = "host/core/src";
const HERE: &str = "tests/attack";

/// An id, and its tests as folder, file and function.
type Proof = (
    &'static str,
    &'static [(&'static str, &'static str, &'static str)],
);

/// What whole runs of the attacker prove.
const LEVELS: [(&str, &str, &str); 3] = [
    (HERE, "matrix.rs", "level_a_keeps_its_promises"),
    (HERE, "matrix.rs", "level_b_keeps_its_promises"),
    (HERE, "matrix.rs", "level_b_prime_keeps_its_promises"),
];

const PROOFS: &[Proof] = &[
    (
        "A1",
        &[(
            HERE,
            "hostile.rs",
            "no_value_becomes_an_option_or_leads_outside",
        )],
    ),
    (
        "A2",
        &[
            (
                HERE,
                "hostile.rs",
                "no_value_becomes_an_option_or_leads_outside",
            ),
            (
                RULES,
                "tool/template/tests.rs",
                "no_value_becomes_an_option",
            ),
        ],
    ),
    (
        "A3",
        &[(HERE, "hostile.rs", "what_is_not_a_template_is_not_run")],
    ),
    (
        "A4",
        &[
            (
                HERE,
                "hostile.rs",
                "no_value_becomes_an_option_or_leads_outside",
            ),
            LEVELS[0],
        ],
    ),
    (
        "A5",
        &[(
            HERE,
            "hostile.rs",
            "no_value_becomes_an_option_or_leads_outside",
        )],
    ),
    (
        "A6",
        &[
            (
                HERE,
                "hostile.rs",
                "variables_that_a_program_obeys_reach_no_tool",
            ),
            (
                RULES,
                "tool/environment/tests.rs",
                "hostile_names_are_known_whatever_their_case",
            ),
        ],
    ),
    (
        "A7",
        &[
            (
                HERE,
                "hostile.rs",
                "what_a_repository_has_git_run_stays_inside",
            ),
            LEVELS[0],
        ],
    ),
    (
        "A8",
        &[
            (
                HERE,
                "hostile.rs",
                "tools_whose_purpose_is_to_start_others_are_refused",
            ),
            (
                HERE,
                "hostile.rs",
                "templates_in_which_a_value_could_become_an_option_are_refused",
            ),
            (
                RULES,
                "tool/program.rs",
                "shells_and_launchers_are_refused_under_any_path_and_version",
            ),
        ],
    ),
    (
        "A9",
        &[(
            HERE,
            "hostile.rs",
            "scripts_of_a_package_stay_inside_and_its_settings_choose_no_shell",
        )],
    ),
    (
        "A10",
        &[(
            HERE,
            "hostile.rs",
            "modules_of_the_workspace_stand_in_for_no_other_and_stay_inside",
        )],
    ),
    (
        "A11",
        &[(
            HERE,
            "hostile.rs",
            "a_build_script_stays_inside_and_the_workspace_chooses_no_compiler",
        )],
    ),
    (
        "A12",
        &[
            (
                HERE,
                "hostile.rs",
                "variables_that_a_program_obeys_reach_no_tool",
            ),
            (
                BROKER,
                "surroundings.rs",
                "the_environment_is_exactly_what_was_decided",
            ),
        ],
    ),
    (
        "A13",
        &[
            (
                HERE,
                "hostile.rs",
                "programs_of_the_workspace_stand_in_for_no_tool",
            ),
            (
                BROKER,
                "surroundings.rs",
                "scripts_run_by_their_pinned_interpreter_and_never_by_a_shell",
            ),
        ],
    ),
    ("A14", &LEVELS),
    (
        "B1",
        &[
            (
                BROKER,
                "surroundings.rs",
                "a_directory_that_is_swapped_for_a_link_never_leads_out",
            ),
            (
                BROKER,
                "surroundings.rs",
                "a_tool_runs_in_a_directory_of_the_workspace_or_not_at_all",
            ),
            (
                PARTS,
                "directory.rs",
                "only_what_lies_in_the_workspace_is_opened",
            ),
        ],
    ),
    ("B2", &LEVELS),
    (
        "B3",
        &[(
            HERE,
            "hostile.rs",
            "an_archive_is_no_plugin_and_is_not_unpacked",
        )],
    ),
    ("B4", &LEVELS),
    ("B5", &LEVELS),
    ("B6", &[LEVELS[0], LEVELS[2]]),
    (
        "B7",
        &[
            LEVELS[0],
            LEVELS[2],
            (
                HERE,
                "matrix.rs",
                "what_is_denied_inside_of_a_grant_is_not_reached",
            ),
        ],
    ),
    (
        "C1",
        &[
            LEVELS[0],
            (
                BROKER,
                "surroundings.rs",
                "a_tool_starts_with_clean_signals_and_three_descriptors",
            ),
        ],
    ),
    (
        "C2",
        &[
            LEVELS[0],
            LEVELS[1],
            LEVELS[2],
            (
                HERE,
                "terminal.rs",
                "at_a_terminal_nothing_is_typed_for_the_user",
            ),
        ],
    ),
    (
        "C3",
        &[
            LEVELS[0],
            LEVELS[1],
            (
                BROKER,
                "trees.rs",
                "a_killed_supervisor_takes_the_tree_with_it",
            ),
        ],
    ),
    (
        "C4",
        &[
            (
                BROKER,
                "trees.rs",
                "a_cancelled_tree_is_gone_when_its_end_is_reported",
            ),
            (
                BROKER,
                "trees.rs",
                "daemons_of_a_tool_that_exits_end_with_it_and_do_not_hold_its_streams",
            ),
        ],
    ),
    ("C5", &[(HERE, "matrix.rs", "a_fork_bomb_is_bounded")]),
    (
        "C6",
        &[
            LEVELS[0],
            LEVELS[1],
            LEVELS[2],
            (BROKER, "limits.rs", "a_tool_ends_at_its_wall_limit"),
        ],
    ),
    ("C7", &LEVELS),
    ("C8", &LEVELS),
    (
        "D1",
        &[
            (
                BROKER,
                "streams.rs",
                "the_soft_limit_keeps_exactly_so_much_and_counts_the_rest",
            ),
            (BROKER, "streams.rs", "the_hard_limit_ends_the_tool"),
            (
                BROKER,
                "streams.rs",
                "bytes_arrive_unchanged_on_both_streams",
            ),
        ],
    ),
    (
        "D2",
        &[
            (
                BROKER,
                "streams.rs",
                "a_reader_that_does_not_read_blocks_the_tool_and_a_kill_still_works",
            ),
            (
                BROKER,
                "limits.rs",
                "a_reader_that_stalls_does_not_make_the_tool_silent",
            ),
            (BROKER, "trees.rs", "a_dropped_handle_ends_the_tree"),
        ],
    ),
    (
        "D3",
        &[
            (
                BROKER,
                "stdin.rs",
                "a_writer_waits_for_a_tool_that_does_not_read_and_can_give_up",
            ),
            (
                BROKER,
                "stdin.rs",
                "a_tool_that_closes_its_input_is_no_error_of_the_run",
            ),
        ],
    ),
    (
        "D4",
        &[
            (
                BROKER,
                "exits.rs",
                "arguments_are_measured_before_anything_starts",
            ),
            (BROKER, "exits.rs", "arguments_up_to_the_limit_arrive_whole"),
        ],
    ),
    (
        "D5",
        &[
            (
                BROKER,
                "surroundings.rs",
                "a_pinned_program_that_is_replaced_does_not_run",
            ),
            (PARTS, "pin.rs", "every_way_to_replace_a_program_is_seen"),
        ],
    ),
    ("D6", &[LEVELS[0], LEVELS[1]]),
    (
        "D7",
        &[(
            BROKER,
            "trees.rs",
            "a_host_that_is_killed_during_a_start_leaves_nothing",
        )],
    ),
    (
        "D8",
        &[
            (
                HERE,
                "matrix.rs",
                "what_a_run_leaves_the_next_one_does_not_find",
            ),
            (
                PARTS,
                "private.rs",
                "directories_are_private_and_go_when_the_run_goes",
            ),
        ],
    ),
    (
        "G1",
        &[
            (
                BROKER,
                "surroundings.rs",
                "a_pinned_program_that_is_replaced_does_not_run",
            ),
            (
                HERE,
                "hostile.rs",
                "programs_of_the_workspace_stand_in_for_no_tool",
            ),
        ],
    ),
    (
        "G2",
        &[
            (
                RULES,
                "tool/template/tests.rs",
                "no_value_becomes_an_option",
            ),
            (
                HERE,
                "hostile.rs",
                "no_value_becomes_an_option_or_leads_outside",
            ),
        ],
    ),
    (
        "G3",
        &[
            (
                BROKER,
                "surroundings.rs",
                "the_environment_is_exactly_what_was_decided",
            ),
            LEVELS[0],
        ],
    ),
    (
        "G4",
        &[
            (
                BROKER,
                "surroundings.rs",
                "a_directory_that_is_swapped_for_a_link_never_leads_out",
            ),
            (
                BROKER,
                "surroundings.rs",
                "the_tool_is_where_the_opened_directory_is_even_after_a_rename",
            ),
        ],
    ),
    ("G5", &LEVELS),
    ("G6", &LEVELS),
    (
        "G7",
        &[
            (BROKER, "trees.rs", "a_killed_host_leaves_nothing"),
            (
                BROKER,
                "trees.rs",
                "a_killed_supervisor_takes_the_tree_with_it",
            ),
            (
                "tests/journey",
                "kill.rs",
                "a_killed_host_leaves_no_process",
            ),
        ],
    ),
    (
        "G8",
        &[(
            BROKER,
            "soak.rs",
            "a_thousand_runs_leave_no_zombie_no_descriptor_and_no_directory",
        )],
    ),
    (
        "G9",
        &[
            (BROKER, "limits.rs", "a_tool_ends_at_its_wall_limit"),
            (
                BROKER,
                "limits.rs",
                "silence_ends_a_tool_and_output_keeps_it",
            ),
            (
                BROKER,
                "limits.rs",
                "a_reader_that_stalls_does_not_make_the_tool_silent",
            ),
        ],
    ),
    (
        "G10",
        &[(BROKER, "streams.rs", "no_flood_makes_the_host_grow")],
    ),
    (
        "G11",
        &[(HERE, "matrix.rs", "a_fork_bomb_is_bounded"), LEVELS[0]],
    ),
    (
        "G12",
        &[
            (BROKER, "exits.rs", "every_exit_code_is_reported"),
            (BROKER, "exits.rs", "every_fatal_signal_is_reported"),
            (
                BROKER,
                "exits.rs",
                "what_the_kernel_does_not_execute_is_refused_with_its_number",
            ),
            (HERE, "matrix.rs", "an_ordinary_tool_still_works"),
        ],
    ),
    ("G13", &LEVELS),
    ("G14", &LEVELS),
    (
        "G15",
        &[
            LEVELS[0],
            (
                HERE,
                "matrix.rs",
                "what_a_run_leaves_the_next_one_does_not_find",
            ),
        ],
    ),
    (
        "G16",
        &[
            (
                "host/workspace/tests",
                "changes.rs",
                "files_that_come_change_and_go",
            ),
            (
                "host/workspace/tests",
                "changes.rs",
                "an_edit_of_equal_length_with_its_time_set_back_is_seen",
            ),
            (
                "host/workspace/tests",
                "changes.rs",
                "a_mode_is_part_of_a_file_and_of_a_directory",
            ),
        ],
    ),
    (
        "G17",
        &[
            (HERE, "without.rs", "without_landlock_namespaces_remain"),
            (HERE, "without.rs", "without_namespaces_landlock_remains"),
            (HERE, "without.rs", "without_mounts_no_root_is_claimed"),
            (HERE, "without.rs", "without_filters_nothing_runs"),
            (HERE, "without.rs", "without_anything_nothing_runs"),
        ],
    ),
    (
        "G18",
        &[
            (BROKER, "spawning.rs", "no_start_forks_the_host"),
            (
                BROKER,
                "spawning.rs",
                "the_host_starts_its_supervisors_without_copying_itself",
            ),
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
        for (folder, file, function) in *tests {
            let path = format!("{folder}/{file}");
            let tests = known.entry(path.clone()).or_insert_with(|| tests_of(&path));
            if !tests.contains(*function) {
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
