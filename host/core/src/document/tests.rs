//! Tables of TOML texts and what the reader says about them.
//! Never: a real format; manifest and policy have their own tests.

use super::*;
use crate::quantity::ByteSize;

/// Reads a small format of every type and gives the mistakes as text.
fn check(text: &str) -> String {
    let source = Source::new("f.toml", text);
    let result = read(&source, |root| {
        root.need_text("name", "name = \"x\"");
        root.parsed::<ByteSize>("size", "bad-size");
        root.flag("on");
        root.integers("codes");
        root.list::<ByteSize>("sizes", "bad-size");
        for mut table in root.tables("item") {
            table.need_text("path", "path = \".\"");
            table.finish();
        }
        for (_, mut inner) in root.sections("group") {
            inner.text("word");
            inner.finish();
        }
        Some(())
    });
    result
        .err()
        .map_or_else(String::new, |found| found.to_string())
}

#[test]
fn what_is_right_passes() {
    let text = "name = 'a'\nsize = '4KiB'\non = true\ncodes = [0, 1]\nsizes = ['1', '2']\n\
        item = [{ path = 'a' }]\n[group.a]\nword = 'x'\n";
    assert_eq!(check(text), "");
    assert_eq!(
        check("name = 'a'\n[[item]]\npath = 'x'\n[[item]]\npath = 'y'\n"),
        ""
    );
}

#[test]
fn every_mistake_is_listed_with_line_and_fix() {
    let text = "nam = 'a'\nsize = '4KB'\non = 1\ncodes = [0, 'x']\nsizes = ['1', '2m']\n\
        [[item]]\n[[item]]\npaht = 'a'\npath = 3\n[group.a]\nwrod = 'x'\nother = 1\n";
    insta::assert_snapshot!(check(text), @r#"
    f.toml:1:1: `name` is missing
      fix: add `name = "x"`
    f.toml:1:1: unknown key `nam`
      fix: did you mean `name`?
    f.toml:2:8: `4KB` is not a size
      fix: write a whole number and KiB, MiB or GiB, for example `64MiB`
    f.toml:3:6: `on` must be true or false, not of type integer
      fix: write true or false
    f.toml:4:13: each element of `codes` must be a whole number, not of type string
      fix: write a whole number
    f.toml:5:15: `2m` is not a size
      fix: write a whole number and KiB, MiB or GiB, for example `64MiB`
    f.toml:6:1: `path` is missing in [item]
      fix: add `path = "."`
    f.toml:8:1: unknown key `paht` in [item]
      fix: did you mean `path`?
    f.toml:9:8: `path` in [item] must be a text in quotes, not of type integer
      fix: write a text in quotes
    f.toml:11:1: unknown key `wrod` in [group.a]
      fix: did you mean `word`?
    f.toml:12:1: unknown key `other` in [group.a]
      fix: remove it; known here: word
    "#);
}

#[test]
fn what_is_not_toml_is_refused_with_its_place() {
    insta::assert_snapshot!(check("a = [1,\nb = 2\n"), @r"
    f.toml:2:3: unexpected `=` in array, expected value, `]`
      fix: correct the TOML syntax here
    ");
    insta::assert_snapshot!(check("a = 1\na = 2\n"), @r"
    f.toml:2:1: duplicate key
      fix: correct the TOML syntax here
    ");
}

#[test]
fn a_huge_text_is_refused_unread() {
    let found = read(
        &Source::new("f", " ".repeat(MAX_DOCUMENT_BYTES + 1)),
        |_| Some(()),
    );
    assert_eq!(found.unwrap_err().list()[0].code, "file-too-large");
}

proptest::proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "(?s).{0,200}") {
        check(&text);
    }

    #[test]
    fn arbitrary_toml_never_panics(text in "((name|size|item|group|a) ?= ?[\\[{'\"0-9a-z=,}\\]]{0,12}\n|\\[\\[?(item|group|group.a)\\]?\\]\n){0,8}") {
        check(&text);
    }
}
