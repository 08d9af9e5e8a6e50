//! How sources look: a header that says what a file is for, a length that a reader can hold, and
//! nothing left for later.
//!
//! Never: a rule that the compiler or Clippy already checks.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::repository::{File, Findings, rust_files};

/// Most lines of a file.
const MAX_FILE: usize = 500;

/// Most lines of a function, without blank lines and comments.
const MAX_FUNCTION: usize = 70;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &[
    "common",
    "util",
    "utils",
    "utility",
    "utilities",
    "helper",
    "helpers",
    "misc",
];

/// Words that promise work for later; put together here so that this file does not hold them.
const LATER: &[&str] = &[
    concat!("FIX", "ME"),
    concat!("TO", "DO"),
    concat!("X", "XX:"),
    concat!("HA", "CK:"),
];

/// Macros that stand for code that is not there.
const HOLES: &[&str] = &["todo", "unimplemented", "dbg"];

#[test]
fn every_file_says_what_it_is_for() {
    let mut findings = Findings::default();
    for file in rust_files() {
        let header: Vec<&str> = file
            .text
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .collect();
        if header.is_empty() {
            findings.add(
                &file.path,
                1,
                "the file does not begin with `//!`",
                "say in a sentence what it is for, and after `Never:` what it must never do",
            );
        } else if promises(&file) && !header.iter().any(|line| line.contains("Never")) {
            findings.add(
                &file.path,
                1,
                "the header does not say what the file must never do",
                "add a sentence `Never: ...` to it",
            );
        }
    }
    findings.assert_none();
}

/// Whether a file's header has to say what it must never do: the host's own code. Tests prove
/// instead of promising, and the file of a command is the command's help.
fn promises(file: &File) -> bool {
    let path = &file.path;
    let parts: Vec<&str> = path.split('/').collect();
    matches!(parts.as_slice(), ["host", _, "src", ..])
        && !path.ends_with("tests.rs")
        && !path.contains("/tests/")
        && !path.starts_with("host/app/src/cli/")
}

#[test]
fn files_are_short() {
    let mut findings = Findings::default();
    for file in rust_files() {
        let lines = file.text.lines().count();
        if lines > MAX_FILE {
            findings.add(
                &file.path,
                lines,
                &format!("the file has {lines} lines, the limit is {MAX_FILE}"),
                "move one of the things that it does to a file of its own",
            );
        }
    }
    findings.assert_none();
}

#[test]
fn modules_have_names_that_say_something() {
    let mut findings = Findings::default();
    for file in crate::repository::files() {
        let parts: Vec<&str> = file.path.split('/').collect();
        let stem = |part: &str| part.strip_suffix(".rs").map(str::to_owned);
        for (i, part) in parts.iter().enumerate() {
            let last = i + 1 == parts.len();
            let name = if last {
                stem(part)
            } else {
                Some((*part).to_owned())
            };
            if name.is_some_and(|name| EMPTY_NAMES.contains(&name.as_str()))
                && !file.path.contains("/templates/")
            {
                findings.add(
                    &file.path,
                    1,
                    &format!("`{part}` says nothing about what is inside"),
                    "name it after what it does, or move its parts to where they are used",
                );
            }
        }
    }
    findings.assert_none();
}

#[test]
fn functions_are_short_and_whole() {
    let mut findings = Findings::default();
    for file in rust_files() {
        match syn::parse_file(&file.text) {
            Ok(parsed) => Reader {
                file: &file,
                findings: &mut findings,
            }
            .visit_file(&parsed),
            Err(e) => findings.add(
                &file.path,
                e.span().start().line,
                &format!("this is not Rust: {e}"),
                "correct it, or keep it in a folder `templates`",
            ),
        }
    }
    findings.assert_none();
}

/// Looks at every function, attribute and macro of a file.
struct Reader<'a> {
    file: &'a File,
    findings: &'a mut Findings,
}

impl Reader<'_> {
    fn function(&mut self, name: &syn::Ident, block: &syn::Block) {
        let (first, last) = (block.span().start().line, block.span().end().line);
        let lines = self
            .file
            .lines()
            .filter(|(number, _)| (first..=last).contains(number))
            .filter(|(_, line)| {
                let line = line.trim();
                !line.is_empty() && !line.starts_with("//")
            })
            .count();
        if lines > MAX_FUNCTION {
            self.findings.add(
                &self.file.path,
                first,
                &format!("`{name}` has {lines} lines, the limit is {MAX_FUNCTION}"),
                "give a part of it a name and a function of its own",
            );
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig.ident, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig.ident, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig.ident, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if EMPTY_NAMES.contains(&item.ident.to_string().as_str()) {
            self.findings.add(
                &self.file.path,
                item.ident.span().start().line,
                &format!("module `{}` says nothing about what is inside", item.ident),
                "name it after what it does, or move its parts to where they are used",
            );
        }
        visit::visit_item_mod(self, item);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if attribute.path().is_ident("ignore") {
            self.findings.add(
                &self.file.path,
                attribute.span().start().line,
                "a test that does not run",
                "make it run everywhere, or remove it",
            );
        }
        visit::visit_attribute(self, attribute);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        let name = item.path.segments.last().map(|last| last.ident.to_string());
        if name.is_some_and(|name| HOLES.contains(&name.as_str())) {
            self.findings.add(
                &self.file.path,
                item.span().start().line,
                "a hole where code should be, or a trace of a search",
                "write the code, or remove the call",
            );
        }
        visit::visit_macro(self, item);
    }
}

#[test]
fn nothing_is_left_for_later() {
    let mut findings = Findings::default();
    for file in crate::repository::files() {
        let source = [
            ".rs", ".toml", ".wit", ".md", ".sh", ".py", ".js", ".ts", ".c", ".h",
        ];
        if !source.iter().any(|suffix| file.ends_with(suffix)) {
            continue;
        }
        for (number, line) in file.lines() {
            for word in LATER.iter().filter(|word| has_word(line, word)) {
                findings.add(
                    &file.path,
                    number,
                    &format!("`{word}`"),
                    "do it now, or say in the issue tracker that it has to be done",
                );
            }
        }
    }
    findings.assert_none();
}

/// Whether a line holds a word that is not a part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let before = line.get(..at).and_then(|rest| rest.chars().next_back());
        let after = line
            .get(at + word.len()..)
            .and_then(|rest| rest.chars().next());
        !letter(before) && !letter(after)
    })
}
