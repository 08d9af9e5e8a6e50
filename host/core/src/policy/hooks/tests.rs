//! Hooks in policies: read, shown where they are, and refused with what was meant.
//! Never: a mistake whose fix is not looked at.

use super::*;

const TOOL: &str = "[tools.notify]\nprogram = \"/opt/notify\"\n[tools.notify.templates]\nsend = [\"--\", \"{channel:text}\"]\n";

fn policy(hooks: &str) -> Result<Policy, String> {
    let text = format!("format = 1\n{TOOL}{hooks}");
    Policy::parse(Origin::File("p".to_owned()), &text).map_err(|found| found.to_string())
}

#[test]
fn a_hook_is_read_with_its_place() {
    let policy = policy(
        "[[hooks]]\non = [\"TASK_*\", \"tool-finished\"]\ntool = \"notify:send\"\nslots = { channel = \"builds\" }\n\
         [[hooks]]\non = [\"*\"]\ntool = \"notify:send\"\nslots = { channel = [\"a\"] }\n",
    )
    .unwrap();
    let [first, second] = policy.hooks() else {
        panic!("{:?}", policy.hooks());
    };
    assert_eq!((first.line(), second.line()), (6, 10));
    assert_eq!(first.hook().tool().to_string(), "notify:send");
    assert!(first.hook().matches("TASK_FAILED") && !first.hook().matches("RUN_STARTED"));
    let call = first.hook().call(b"x".to_vec());
    assert_eq!(
        call.slots,
        [("channel".to_owned(), SlotValue::One("builds".to_owned()))]
    );
}

#[test]
fn hooks_of_several_layers_add_up() {
    let hook = "[[hooks]]\non = [\"*\"]\ntool = \"git:status\"\n";
    let text = format!("format = 1\n{hook}");
    let files = [
        (Origin::File("b".to_owned()), text.as_str()),
        (Origin::User("a".to_owned()), text.as_str()),
    ];
    let policy = Policy::read(&files, &crate::policy::FlagRules::default()).unwrap();
    let origins: Vec<String> = policy
        .hooks()
        .iter()
        .map(|h| h.origin().to_string())
        .collect();
    assert_eq!(origins, ["a", "b"]);
}

#[test]
fn every_mistake_says_what_would_be_right() {
    for (hook, said) in [
        (
            "on = [\"TASK_FAILD\"]\ntool = \"notify:send\"",
            "did you mean `TASK_FAILED`?",
        ),
        (
            "on = [\"tool_finished\"]\ntool = \"notify:send\"",
            "did you mean `tool-finished`?",
        ),
        (
            "on = [\"NOTHING*\"]\ntool = \"notify:send\"",
            "the events are HOST_STARTED",
        ),
        ("on = []\ntool = \"notify:send\"", "name an event"),
        ("tool = \"notify:send\"", "add `on = [\"TASK_FAILED\"]`"),
        ("on = [\"*\"]", "add `tool = \"notify:send\"`"),
        ("on = [\"*\"]\ntool = \"notify\"", "as in `notify:send`"),
        (
            "on = [\"*\"]\ntool = \"notify:sent\"",
            "`notify` has no template `sent`",
        ),
        (
            "on = [\"*\"]\ntool = \"mail:send\"",
            "no layer declares the tool `mail`",
        ),
        (
            "on = [\"*\"]\ntool = \"notify:send\"\nslot = {}",
            "did you mean `slots`?",
        ),
        (
            "on = [\"*\"]\ntool = \"notify:send\"\nslots = { channel = 1 }",
            "a text in quotes",
        ),
        (
            "on = [\"*\"]\ntool = \"notify:send\"\nslots = { Channel = \"x\" }",
            "is not a slot name",
        ),
    ] {
        let found = policy(&format!("[[hooks]]\n{hook}\n")).unwrap_err();
        assert!(found.contains(said), "{hook}\n{found}");
    }
    let many = "[[hooks]]\non = [\"*\"]\ntool = \"notify:send\"\n".repeat(MAX_HOOKS + 1);
    assert!(policy(&many).unwrap_err().contains("so join some"));
}
