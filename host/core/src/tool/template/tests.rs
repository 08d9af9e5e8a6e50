//! Tables of templates, what they accept and what they refuse, and the promise about options.
//! Never: a started program.

use proptest::prelude::*;

use super::*;

fn parse(elements: &[&str]) -> Result<Template, Vec<(usize, TemplateError)>> {
    let elements: Vec<String> = elements.iter().map(|text| (*text).to_owned()).collect();
    Template::parse(&elements)
}

fn one(name: &str, value: &str) -> (String, SlotValue) {
    (name.to_owned(), SlotValue::One(value.to_owned()))
}

fn many(name: &str, values: &[&str]) -> (String, SlotValue) {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    (name.to_owned(), SlotValue::Many(values))
}

fn fills(elements: &[&str], given: &[(String, SlotValue)], expected: &[&str]) {
    assert_eq!(
        parse(elements).unwrap().fill(given).unwrap().arguments,
        expected,
        "{elements:?}"
    );
}

fn misfits(elements: &[&str], given: &[(String, SlotValue)], expected: &[(&str, &str)]) {
    let found = parse(elements).unwrap().fill(given).unwrap_err();
    let found: Vec<(&str, &str)> = found.iter().map(|m| (m.slot.as_str(), m.code)).collect();
    assert_eq!(found, expected, "{elements:?}");
}

#[test]
fn values_fill_their_own_argument_and_nothing_else() {
    fills(&[], &[], &[]);
    fills(&["status", "-z"], &[], &["status", "-z"]);
    fills(
        &["log", "-n", "{n:int:1..9}"],
        &[one("n", "5")],
        &["log", "-n", "5"],
    );
    fills(&["--max={n:int:1..9}"], &[one("n", "5")], &["--max=5"]);
    fills(&["--out={f:relpath}"], &[one("f", "a b")], &["--out=a b"]);
    fills(&["{{}}", "a{{b"], &[], &["{}", "a{b"]);
    fills(&["{{{n:ident}"], &[one("n", "x")], &["{x"]);
    // Never split, quoted or expanded (R3.03, R0.20).
    let text = "a b'\"$(id)`id`;&&|\n*?~ -x";
    fills(
        &["-m", "x", "--", "{t:text}"],
        &[one("t", text)],
        &["-m", "x", "--", text],
    );
    // Optional, repeated, default.
    fills(&["a", "{x:ident?}", "b"], &[], &["a", "b"]);
    fills(&["--x={x:ident?}"], &[], &[]);
    fills(&["a", "{x:ident=main}"], &[], &["a", "main"]);
    fills(&["a", "{x:ident=main}"], &[one("x", "y")], &["a", "y"]);
    fills(&["--", "{p:relpath*}"], &[], &["--"]);
    fills(
        &["--", "{p:relpath*}"],
        &[many("p", &["a", "b c"])],
        &["--", "a", "b c"],
    );
    fills(&["{f:scratch?}"], &[], &[]);
    fills(
        &["-o{f:scratch}", "@{g:scratch=r.xml}", "{scratch}/a"],
        &[one("f", "d/x")],
        &["-o{scratch}/d/x", "@{scratch}/r.xml", "{scratch}/a"],
    );
    fills(
        &["-I={p:ident*}"],
        &[many("p", &["a", "b"])],
        &["-I=a", "-I=b"],
    );
}

#[test]
fn every_wrong_value_is_reported_at_once() {
    let template = ["{n:int:1..9}", "{r:rev}", "--", "{p:relpath*}"];
    misfits(&template, &[], &[("n", "missing"), ("r", "missing")]);
    misfits(
        &template,
        &[
            one("n", "10"),
            one("r", "-x"),
            many("p", &["../x"]),
            one("zz", "1"),
        ],
        &[
            ("zz", "unknown-slot"),
            ("n", "not-in-range"),
            ("r", "not-a-rev"),
            ("p", "path-parent"),
        ],
    );
    misfits(&["{r:rev}"], &[many("r", &["a"])], &[("r", "wrong-arity")]);
    misfits(&["{r:rev*}"], &[one("r", "a")], &[("r", "wrong-arity")]);
    misfits(
        &["{r:rev}"],
        &[one("r", "a"), one("r", "b")],
        &[("r", "duplicate")],
    );
    misfits(&["a"], &[one("r", "a")], &[("r", "unknown-slot")]);
    let thousand = vec!["a"; MAX_REPEATED + 1];
    misfits(&["{r:rev*}"], &[many("r", &thousand)], &[("r", "too-many")]);
}

#[test]
fn templates_in_which_a_value_could_become_an_option_are_refused() {
    type Expected = fn(&TemplateError) -> bool;
    let option: Expected = |error| matches!(error, TemplateError::OptionLike(_));
    let prefix: Expected = |error| matches!(error, TemplateError::Prefix(..));
    let syntax: Expected = |error| matches!(error, TemplateError::Syntax(_));
    let kind: Expected = |error| matches!(error, TemplateError::Type(_));
    let cases: [(&[&str], usize, Expected); 28] = [
        (&["{t:text}"], 0, option),
        (&["commit", "-m", "{t:text}"], 2, option),
        (&["{t:text}", "--"], 0, option),
        (&["{n:int:-5..5}"], 0, option),
        (&["x--", "{t:text}"], 1, option),
        (&["--x={t:text}"], 0, prefix),
        (&["--", "x{t:text}"], 1, prefix),
        (&["../{p:relpath}"], 0, prefix),
        (&["-o{p:relpath}"], 0, prefix),
        (&["@{r:rev}"], 0, prefix),
        (&["../{f:scratch}"], 0, prefix),
        (&["../{scratch}"], 0, syntax),
        (&["{scratch}x"], 0, syntax),
        (&["{scratch}/../x"], 0, syntax),
        (&["{scratch}{scratch}"], 0, syntax),
        (&["{scratch}/{f:scratch}"], 0, syntax),
        (&["{a:rev", "x"], 0, syntax),
        (&["a:rev}"], 0, syntax),
        (&["{a}"], 0, syntax),
        (&["{a:rev}x"], 0, syntax),
        (&["{a:rev}{b:rev}"], 0, syntax),
        (&["{}"], 0, syntax),
        (&["{a:rev}}"], 0, syntax),
        (&["{a:string}"], 0, kind),
        (&["{a:enum:--x|--y}"], 0, kind),
        (&["{a:int:5}"], 0, kind),
        (&["{a:file}"], 0, kind),
        (&["{a:rev**}"], 0, kind),
    ];
    for (elements, index, expected) in cases {
        let errors = parse(elements).unwrap_err();
        assert_eq!(errors[0].0, index, "{elements:?}");
        assert!(expected(&errors[0].1), "{elements:?}: {}", errors[0].1);
    }
    let others: [(&[&str], Expected); 6] = [
        (&["{a:rev}", "{a:rev}"], |error| {
            matches!(error, TemplateError::Duplicate(_))
        }),
        (&["{a:rev*}", "x"], |error| {
            matches!(error, TemplateError::RepeatedNotLast(_))
        }),
        (&["{A:rev}"], |error| {
            matches!(error, TemplateError::Name(_))
        }),
        (&["{a:int:1..5=9}"], |error| {
            matches!(error, TemplateError::Default(..))
        }),
        (&["{a:rev=--x}"], |error| {
            matches!(error, TemplateError::Default(..))
        }),
        (&["a\0b"], |error| *error == TemplateError::Unfit),
    ];
    for (elements, expected) in others {
        let errors = parse(elements).unwrap_err();
        assert!(expected(&errors[0].1), "{elements:?}: {}", errors[0].1);
    }
    assert_eq!(
        parse(&["{a:text}", "{b:nope}", "{c}"]).unwrap_err().len(),
        3
    );
    assert!(parse(&["x"; MAX_ELEMENTS + 1]).is_err());
}

/// Elements of every kind, in any order; many of the lists are not templates.
fn elements() -> impl Strategy<Value = Vec<String>> {
    let element = proptest::sample::select(vec![
        "log",
        "-n",
        "--",
        "--end-of-options",
        "--max={a:int:1..5}",
        "{b:int:-3..3}",
        "{c:rev}",
        "{d:relpath}",
        "{e:ident?}",
        "{f:enum:x|y}",
        "{g:text}",
        "{h:text*}",
        "{i:relpath*}",
        "--o={j:relpath}",
        "{k:ident=z}",
        "-{l:ident}",
    ]);
    proptest::collection::vec(element.prop_map(str::to_owned), 0..8)
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("--upload-pack=id".to_owned()),
        Just("-".to_owned()),
        Just("--".to_owned()),
        Just("-oProxyCommand=id".to_owned()),
        "-?-?[a-z0-9./:@~=]{0,12}",
        "(?s).{0,12}",
        "-?[0-9]{1,2}",
        "[xy]",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// G2: before `--`, an argument that begins with `-` is one that the owner wrote.
    #[test]
    fn no_value_becomes_an_option(source in elements(), values in proptest::collection::vec(value(), 12)) {
        let Ok(template) = Template::parse(&source) else {
            return Ok(());
        };
        let given: Vec<(String, SlotValue)> = template
            .slots()
            .zip(values.iter().cycle())
            .map(|(slot, value)| {
                let value = match slot.arity() {
                    Arity::Repeated => SlotValue::Many(vec![value.clone(), "a".to_owned()]),
                    Arity::One | Arity::Optional | Arity::Default(_) => SlotValue::One(value.clone()),
                };
                (slot.name().to_string(), value)
            })
            .collect();
        let Ok(Filled { arguments, .. }) = template.fill(&given) else {
            return Ok(());
        };
        let ended = |text: &String| matches!(text.as_str(), "--" | "--end-of-options");
        for argument in arguments.iter().take_while(|argument| !ended(argument)) {
            let written = |element: &String| {
                let prefix = element.split('{').next().unwrap_or("");
                prefix.starts_with('-') && argument.starts_with(prefix)
            };
            prop_assert!(
                !argument.starts_with('-') || source.iter().any(written),
                "{argument:?} from {source:?}",
            );
        }
        prop_assert!(arguments.iter().all(|argument| !argument.contains('\0')));
    }

    #[test]
    fn parsing_never_panics(source in proptest::collection::vec("(?s).{0,24}", 0..4)) {
        let _ = Template::parse(&source).is_ok();
    }
}
