//! Settings of a workspace that a later program would obey, and how the places of those that are
//! not there are held while tools run.
//!
//! Never: a look at the disk; who seals them is the business of those who start tools.

/// What a later program would obey: hooks and filters of git, compilers and registries of build
/// tools, tasks of editors, this program's own policy. Paths relative to the workspace.
pub const SEALED: [&str; 11] = [
    ".git/hooks",
    ".git/config",
    ".git/config.worktree",
    ".cargo",
    ".npmrc",
    ".envrc",
    ".vscode",
    ".idea",
    ".zed",
    ".devcontainer",
    "remit.toml",
];

/// Of these, what is held by a placeholder if it is not there. The others are obeyed only by who
/// asked for them.
pub const HELD: [&str; 7] = [
    ".git/hooks",
    ".git/config",
    ".cargo",
    ".npmrc",
    ".vscode",
    ".idea",
    "remit.toml",
];

/// The mode by which a placeholder, an empty directory, is known: nobody may write, and a bit that
/// directories of people do not have beside it.
pub const PLACEHOLDER_MODE: u32 = 0o1555;

/// Whether this could be a placeholder: a directory with this mode (without its type) at this path
/// that has nothing in it. It is no part of the work then, whoever made it.
#[must_use]
pub fn is_placeholder(path: &str, mode: u32, is_empty: bool) -> bool {
    let held = |held: &&str| **held == *path || held.split('/').next() == Some(path);
    is_empty && mode & 0o7777 == PLACEHOLDER_MODE && HELD.iter().any(held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_directory_in_a_held_place_is_a_placeholder() {
        for (path, mode, empty, expected) in [
            (".npmrc", 0o41555, true, true),
            (".git", 0o41555, true, true),
            (".git/hooks", 0o41555, true, true),
            (".npmrc", 0o41555, false, false),
            (".npmrc", 0o40755, true, false),
            ("src", 0o41555, true, false),
            ("src/.npmrc", 0o41555, true, false),
        ] {
            assert_eq!(
                is_placeholder(path, mode, empty),
                expected,
                "{path} {mode:o}"
            );
        }
    }

    #[test]
    fn what_is_held_is_sealed() {
        assert!(HELD.iter().all(|held| SEALED.contains(held)));
    }
}
