//! Git as the host starts it for `git-sealed`: the arguments and variables of the catalogue.
//!
//! Never: an argument that is not in the owner's declaration.

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Place, tree};
use crate::flow::{self, Done, Git, Ran, Stop, Work};
use crate::refusal::Refusal;
use crate::request::Request;

/// Git as the host starts it for the tool `git-sealed` of the catalogue.
struct Declared {
    root: PathBuf,
    scratch: PathBuf,
    templates: HashMap<String, Vec<String>>,
    variables: Vec<(String, String)>,
}

impl Declared {
    fn new(work: &Work) -> Self {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../host/core/src/catalogue.toml");
        let text = fs::read_to_string(path).unwrap();
        let section = |name: &str| {
            let (_, rest) = text
                .split_once(&format!("[tools.git-sealed.{name}]\n"))
                .unwrap();
            let lines = rest.lines().take_while(|line| !line.starts_with('['));
            lines
                .filter(|line| !line.starts_with('#'))
                .filter_map(|line| line.split_once(" = "))
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect::<Vec<_>>()
        };
        let templates = section("templates").into_iter();
        let variables = section("run.set").into_iter();
        Self {
            root: work.root.clone(),
            scratch: work.scratch.clone(),
            templates: templates
                .map(|(key, value)| (key, serde_json::from_str(&value).unwrap()))
                .collect(),
            variables: variables
                .map(|(key, value)| (key, serde_json::from_str(&value).unwrap()))
                .collect(),
        }
    }

    fn fill(&self, element: &str, slots: &[(&str, &str)]) -> Option<String> {
        let element = element.replace("{scratch}", self.scratch.to_str().unwrap());
        let Some(slot) = element
            .strip_prefix('{')
            .and_then(|one| one.strip_suffix('}'))
        else {
            return Some(element);
        };
        let name = slot.split(':').next().unwrap();
        let given = slots
            .iter()
            .find(|one| one.0 == name)
            .map(|one| one.1.to_owned());
        given.or_else(|| slot.split_once('=').map(|(_, usual)| usual.to_owned()))
    }
}

impl Git for Declared {
    fn run(
        &mut self,
        template: &'static str,
        slots: &[(&str, &str)],
        input: &[u8],
    ) -> Result<Ran, Stop> {
        let elements = &self.templates[template];
        let arguments: Vec<String> = elements
            .iter()
            .filter_map(|one| self.fill(one, slots))
            .collect();
        let mut child = Command::new("git")
            .args(&arguments)
            .current_dir(&self.root)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .envs(self.variables.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        Ok(Ran {
            code: u8::try_from(output.status.code().unwrap()).unwrap(),
            text: String::from_utf8_lossy(&output.stdout).into_owned(),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

pub(super) fn work(place: &Place) -> Work {
    let scratch = place.0.path().join("scratch");
    drop(fs::remove_dir_all(&scratch));
    fs::create_dir(&scratch).unwrap();
    Work {
        root: place.root(),
        scratch,
    }
}

pub(super) fn watched(
    place: &Place,
    inputs: &str,
    watch: &mut dyn FnMut(&'static str),
) -> Result<Done, Refusal> {
    let request = Request::check(inputs).unwrap();
    let work = work(place);
    flow::write(&mut Declared::new(&work), &work, &request, watch).map_err(|stop| match stop {
        Stop::Refused(refusal) => refusal,
        Stop::Host(failure) => panic!("{failure:?}"),
    })
}

pub(super) fn write(place: &Place, inputs: &str) -> Result<Done, Refusal> {
    watched(place, inputs, &mut |_| {})
}

pub(super) fn refused(place: &Place, inputs: &str) -> Refusal {
    let before = tree(&place.root());
    let refusal = write(place, inputs).unwrap_err();
    assert_eq!(tree(&place.root()), before, "{inputs}: {refusal}");
    refusal
}

pub(super) const PATCH: &str = "--- a/c.txt\n+++ b/c.txt\n@@ -1 +1 @@\n-two\n+TWO\n--- /dev/null\n+++ b/new/d.txt\n@@ -0,0 +1 @@\n+three\n";

/// What the user's own git says of a repository that somebody else wrote to.
pub(super) fn sound(place: &Place) {
    place.git(&["fsck", "--strict", "--full"]);
    assert_eq!(place.git(&["status", "--porcelain"]), "");
}

pub(super) fn head(place: &Place) -> String {
    place.git(&["rev-parse", "HEAD"]).trim().to_owned()
}

pub(super) fn text(details: &Value, key: &str) -> String {
    details[key].as_str().unwrap_or_default().to_owned()
}
