//! The table of attacks: what each tries, which design row it stands for, and who promises that
//! it fails.
//!
//! Never: a promise that the documentation of the levels does not make.

use std::fmt;

/// How tightly a tool is confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Namespaces with a constructed root, Landlock and system call filters.
    A,
    /// Landlock and system call filters, no namespaces.
    B,
    /// Namespaces and system call filters, no Landlock.
    BPrime,
    /// None of it. What holds here holds everywhere.
    C,
}

impl Level {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::A, Self::B, Self::BPrime, Self::C];

    /// The level of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// Its name in manifests, policies and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::BPrime => "B'",
            Self::C => "C",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One row of attacks.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// What the attacker calls it.
    pub name: &'static str,
    /// The rows of the design that it stands for.
    pub ids: &'static [&'static str],
    /// What it tries, in a line for people.
    pub tries: &'static str,
    /// The levels that promise that all of it fails.
    pub promised: &'static [Level],
    /// Whether it makes sense on any machine, without somebody who prepares a victim.
    pub portable: bool,
}

impl Row {
    /// The levels that do not promise that it fails.
    pub fn open_at(&self) -> impl Iterator<Item = Level> {
        let promised = self.promised;
        Level::ALL
            .into_iter()
            .filter(move |level| !promised.contains(level))
    }
}

/// The row of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.name == name)
}

/// Every level.
const ALWAYS: &[Level] = &Level::ALL;
/// Every level that confines.
const CONFINED: &[Level] = &[Level::A, Level::B, Level::BPrime];
/// The levels with namespaces and a root of their own.
const NAMESPACED: &[Level] = &[Level::A, Level::BPrime];

/// A row that any machine can try.
const fn portable(
    name: &'static str,
    ids: &'static [&'static str],
    promised: &'static [Level],
    tries: &'static str,
) -> Row {
    Row {
        name,
        ids,
        tries,
        promised,
        portable: true,
    }
}

/// A row that needs a victim which somebody prepares.
const fn staged(
    name: &'static str,
    ids: &'static [&'static str],
    promised: &'static [Level],
    tries: &'static str,
) -> Row {
    Row {
        portable: false,
        ..portable(name, ids, promised, tries)
    }
}

/// Every row.
pub const ROWS: &[Row] = &[
    portable("control", &["G12"], ALWAYS, "do what every tool may do"),
    portable(
        "outside-read",
        &["A4", "B2", "G5"],
        CONFINED,
        "read files outside of the workspace",
    ),
    portable(
        "outside-list",
        &["B2", "G5"],
        CONFINED,
        "list directories outside",
    ),
    portable(
        "outside-write",
        &["A4", "B2", "G5"],
        CONFINED,
        "create, change or remove files outside",
    ),
    portable(
        "outside-metadata",
        &["G5"],
        NAMESPACED,
        "change modes, owners and times of files outside",
    ),
    portable(
        "outside-stat",
        &["B6"],
        NAMESPACED,
        "learn which files exist outside",
    ),
    portable(
        "links",
        &["B2"],
        CONFINED,
        "reach outside through links of the workspace",
    ),
    portable(
        "loader",
        &["A14"],
        CONFINED,
        "leave by way of the loader or of memory",
    ),
    portable(
        "process-list",
        &["B4", "G15"],
        NAMESPACED,
        "see other processes",
    ),
    portable(
        "process-files",
        &["B4", "G14", "G15"],
        CONFINED,
        "read memory, variables and files of other processes",
    ),
    portable(
        "kernel-settings",
        &["B4", "G13"],
        CONFINED,
        "write settings of the kernel",
    ),
    portable(
        "kernel-tables",
        &["B4", "G15"],
        NAMESPACED,
        "read what the kernel tells of other programs",
    ),
    portable(
        "debug",
        &["C3", "G14"],
        CONFINED,
        "debug other processes or take their descriptors",
    ),
    portable(
        "signals",
        &["C3", "G14"],
        CONFINED,
        "signal processes that are not its own",
    ),
    portable(
        "meddle",
        &["C3", "G14"],
        NAMESPACED,
        "change limits and priority of other processes",
    ),
    portable(
        "sockets",
        &["C8", "G6"],
        CONFINED,
        "make a socket of any family and type",
    ),
    portable(
        "connect",
        &["C7", "C8", "G6"],
        CONFINED,
        "connect to services of this machine",
    ),
    portable(
        "io-uring",
        &["C8", "G6"],
        CONFINED,
        "pass system calls by through io_uring",
    ),
    portable(
        "foreign-calls",
        &["C8", "G6"],
        CONFINED,
        "pass the filter by through another call interface",
    ),
    portable(
        "namespaces",
        &["C8", "G13"],
        CONFINED,
        "make or enter namespaces",
    ),
    portable(
        "mounts",
        &["C8", "G13"],
        CONFINED,
        "mount, unmount or change the root",
    ),
    portable("devices", &["B5"], CONFINED, "make or open devices"),
    portable("keys", &["C8"], CONFINED, "use the kernel's keyrings"),
    portable(
        "kernel",
        &["C8", "G13"],
        CONFINED,
        "load code into the kernel, set clocks, change the machine",
    ),
    portable(
        "handles",
        &["B2", "C8"],
        CONFINED,
        "open files by handle, past the directory tree",
    ),
    portable(
        "terminal",
        &["C2"],
        CONFINED,
        "type into the terminal of the user",
    ),
    portable(
        "descriptors",
        &["C1", "G8"],
        ALWAYS,
        "use descriptors that the host left open",
    ),
    portable(
        "set-user-id",
        &["B5", "G13"],
        CONFINED,
        "become another user",
    ),
    portable(
        "privileged-files",
        &["B5", "G13"],
        CONFINED,
        "leave a program that runs as its owner, whoever starts it",
    ),
    portable(
        "no-new-privileges",
        &["G13"],
        ALWAYS,
        "be without the flag that forbids new privileges",
    ),
    portable(
        "capabilities",
        &["G13"],
        CONFINED,
        "have a capability, or no filter",
    ),
    portable(
        "capability-bounds",
        &["G13"],
        NAMESPACED,
        "have capabilities that a program could gain by exec",
    ),
    portable(
        "environment",
        &["A6", "A12", "G3"],
        ALWAYS,
        "see variables of the host",
    ),
    portable(
        "persistence",
        &["A7", "B7"],
        NAMESPACED,
        "write files that a later program obeys",
    ),
    portable(
        "nested",
        &["D6"],
        CONFINED,
        "stack sandboxes until the outer one gives way",
    ),
    portable(
        "descriptor-flood",
        &["C6"],
        ALWAYS,
        "open more files than a tool may",
    ),
    portable(
        "file-size",
        &["C6"],
        CONFINED,
        "make a file that fills the disk",
    ),
    portable(
        "processor-time",
        &["C6", "G11"],
        CONFINED,
        "compute without end",
    ),
    staged(
        "fork-bomb",
        &["C5", "G11"],
        NAMESPACED,
        "start processes without end",
    ),
    staged("memory", &["C6", "G11"], CONFINED, "use up the memory"),
    staged(
        "temporary-space",
        &["C6"],
        NAMESPACED,
        "fill the private temporary directory",
    ),
    staged(
        "carved-out",
        &["B7", "G5"],
        CONFINED,
        "reach what is denied inside of what is granted",
    ),
    staged(
        "shared-memory",
        &["G15"],
        NAMESPACED,
        "attach memory of other programs",
    ),
    staged(
        "leave-behind",
        &["D8", "G15"],
        ALWAYS,
        "leave something for a later run",
    ),
    staged(
        "find-behind",
        &["D8", "G15"],
        ALWAYS,
        "find what an earlier run left",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_name_of_its_own_and_says_what_it_is() {
        let mut names: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ROWS.len());
        for row in ROWS {
            assert!(!row.ids.is_empty() && !row.tries.is_empty(), "{}", row.name);
            assert_eq!(find(row.name).map(|found| found.name), Some(row.name));
        }
    }

    #[test]
    fn what_the_weakest_level_promises_every_level_promises() {
        for row in ROWS {
            let always = row.promised.contains(&Level::C);
            assert!(
                !always || row.promised.len() == Level::ALL.len(),
                "{}",
                row.name
            );
            // Nobody who has everything promises less than who has a part of it.
            assert!(
                row.promised.is_empty() || row.promised.contains(&Level::A),
                "{}",
                row.name
            );
        }
    }

    #[test]
    fn levels_have_the_names_of_the_manifest() {
        for level in Level::ALL {
            assert_eq!(Level::parse(level.name()), Some(level));
        }
        assert_eq!(Level::parse("D"), None);
    }
}
