//! Files of a workspace that a declaration hides from its tool: they look empty, in whatever form
//! the workspace has them, and nobody else loses them.
//!
//! Never: an expectation about a kernel feature that was not looked for first.

use std::fs::{create_dir_all, read_to_string, write};

use remit_core::manifest::Confinement;
use remit_core::tool::Exit;

use crate::confinement::{ALL, NO_NAMESPACES, Place, level};

/// What the tools of these tests do not get to see.
const HIDES: &str = "hides = [\".env\", \".git/config\", \".git/hooks\", \"a.json\", \".a.yml\", \
    \"absent\"]";

/// A workspace with settings that give commands.
fn place() -> Place {
    let place = Place::new(ALL, "read = [\".\"]\nwrite = [\".\"]");
    create_dir_all(place.path("workspace/.git/hooks")).unwrap();
    write(place.path("workspace/.git/hooks/pre-commit"), "canary").unwrap();
    write(place.path("workspace/.env"), "canary").unwrap();
    write(place.path("workspace/.git/config"), "canary").unwrap();
    write(place.path("workspace/.git/HEAD"), "ref").unwrap();
    place
}

async fn output(place: &Place, program: &str, arguments: &[&str]) -> (Exit, String) {
    let outcome = place.try_run(program, arguments, HIDES).await.unwrap();
    (outcome.exit, outcome.text().to_owned())
}

#[tokio::test]
async fn what_a_declaration_hides_looks_empty_to_the_tool_and_stays_as_it_was() {
    if level(ALL).await != Confinement::Full {
        return;
    }
    let place = place();
    for hidden in [".env", ".git/config"] {
        let read = output(&place, "/usr/bin/cat", &[hidden]).await;
        assert_eq!(read, (Exit::Code(0), String::new()), "{hidden}");
        let (exit, _) = output(&place, "/usr/bin/cp", &["src/file", hidden]).await;
        assert_ne!(exit, Exit::Code(0), "{hidden} cannot be replaced");
        let (exit, _) = output(&place, "/usr/bin/rm", &["-f", hidden]).await;
        assert_ne!(exit, Exit::Code(0), "{hidden} cannot be removed");
        let there = read_to_string(place.path("workspace").join(hidden)).unwrap();
        assert_eq!(there, "canary");
    }
    let (exit, hooks) = output(&place, "/usr/bin/ls", &[".git/hooks"]).await;
    assert_eq!((exit, hooks.as_str()), (Exit::Code(0), ""));
    let (_, beside) = output(&place, "/usr/bin/cat", &[".git/HEAD"]).await;
    assert_eq!(beside, "ref", "what lies beside it is there");
    let other = place.try_run("/usr/bin/cat", &[".env"], "").await.unwrap();
    assert_eq!(other.text(), "canary", "another tool sees it");
}

#[tokio::test]
async fn what_is_hidden_is_empty_in_its_own_format() {
    if level(ALL).await != Confinement::Full {
        return;
    }
    let place = place();
    for hidden in ["a.json", ".a.yml"] {
        write(place.path("workspace").join(hidden), "{\"canary\": 1}").unwrap();
        let read = output(&place, "/usr/bin/cat", &[hidden]).await;
        assert_eq!(read, (Exit::Code(0), "{}\n".to_owned()), "{hidden}");
    }
}

#[tokio::test]
async fn a_file_that_stands_for_the_directory_of_a_hidden_path_is_hidden_itself() {
    if level(ALL).await != Confinement::Full {
        return;
    }
    let place = Place::new(ALL, "read = [\".\"]\nwrite = [\".\"]");
    write(place.path("workspace/.git"), "gitdir: src\n").unwrap();
    let read = output(&place, "/usr/bin/cat", &[".git"]).await;
    assert_eq!(read, (Exit::Code(0), String::new()));
}

#[tokio::test]
async fn a_hidden_path_that_is_a_link_cannot_be_hidden_and_nothing_starts() {
    if level(ALL).await != Confinement::Full {
        return;
    }
    let place = Place::new(ALL, "read = [\".\"]\nwrite = [\".\"]");
    std::os::unix::fs::symlink("src/file", place.path("workspace/.env")).unwrap();
    let refused = place.try_run("/usr/bin/true", &[], HIDES).await;
    let error = refused.unwrap_err();
    assert!(error.to_string().contains("protected-path"), "{error}");
}

#[tokio::test]
async fn where_nothing_can_be_hidden_a_tool_starts_only_if_there_is_nothing_to_hide() {
    if level(NO_NAMESPACES).await != Confinement::Landlock {
        return;
    }
    let place = Place::new(NO_NAMESPACES, "read = [\".\"]\nconfinement = \"B\"");
    let free = place.try_run("/usr/bin/true", &[], HIDES).await;
    assert_eq!(free.unwrap().exit, Exit::Code(0));
    write(place.path("workspace/.env"), "canary").unwrap();
    assert!(
        place
            .try_run("/usr/bin/cat", &[".env"], HIDES)
            .await
            .is_err()
    );
}
