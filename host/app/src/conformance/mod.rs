//! Whether a component that a stranger built keeps the contract: numbered rules, each of which holds,
//! does not, or could not be tried.
//!
//! The rules are those of `wit/` and `docs/authoring.md`; nothing is asked for here that is not
//! there. Never: a rule that depends on what the plugin is for.

mod bytes;
mod talk;
mod work;

use remit_engine::inputs::Schema;
use remit_engine::plugin::Descriptor;
use serde::Serialize;

use crate::exit::Stop;
use crate::loading::Loaded;
use crate::places::Places;
use crate::trial::Bench;

/// What a rule came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// It could not be tried, or does not concern this component.
    Skip,
}

/// One rule and what it came to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Ruling {
    /// Its number, stable: `C07`.
    pub(crate) rule: &'static str,
    /// What has to hold.
    pub(crate) title: &'static str,
    /// Whether it does.
    pub(crate) verdict: Verdict,
    /// What was seen, where that says more.
    pub(crate) note: String,
}

/// The rules, in the order in which they are tried.
pub(crate) const RULES: [(&str, &str); 22] = [
    ("C01", "it is a component"),
    ("C02", "it exports a pattern or an adapter, whole"),
    ("C03", "of remit:* it imports only what is in the contract"),
    ("C04", "its functions have the types of the contract"),
    ("C05", "it carries a manifest"),
    ("C06", "it can be instantiated when nothing is granted"),
    ("C07", "describe answers when nothing is granted"),
    (
        "C08",
        "describe gives the same twice, and in another instance",
    ),
    ("C09", "id and version are those of the manifest"),
    ("C10", "its schemas are JSON Schema"),
    (
        "C11",
        "validate-inputs takes inputs of its own schema, without a fault",
    ),
    ("C12", "validate-inputs survives inputs of every shape"),
    (
        "C13",
        "problems have a JSON pointer, a kebab-case code and a message",
    ),
    ("C14", "validate-config answers when nothing is granted"),
    (
        "C15",
        "execute comes to an end when nothing is granted, without a fault",
    ),
    (
        "C16",
        "execute comes to an end when everything is granted, without a fault",
    ),
    (
        "C17",
        "execute comes to an end when no tool starts, without a fault",
    ),
    (
        "C18",
        "execute survives output that is cut off, is not text, or is a gigabyte",
    ),
    (
        "C19",
        "outputs are a JSON object and follow the output schema",
    ),
    (
        "C20",
        "artifacts and claimed changes are paths below the workspace",
    ),
    (
        "C21",
        "it ends when it is cancelled, and when its time is over",
    ),
    (
        "C22",
        "it stays below the memory that its manifest asks for",
    ),
];

/// Collects rulings.
#[derive(Default)]
pub(crate) struct Book(Vec<Ruling>);

impl Book {
    fn note(&mut self, rule: &'static str, verdict: Verdict, note: impl Into<String>) {
        let title = RULES
            .iter()
            .find(|(known, _)| *known == rule)
            .map_or("", |(_, title)| title);
        self.0.push(Ruling {
            rule,
            title,
            verdict,
            note: note.into(),
        });
    }

    fn pass(&mut self, rule: &'static str) {
        self.note(rule, Verdict::Pass, "");
    }

    fn fail(&mut self, rule: &'static str, note: impl Into<String>) {
        self.note(rule, Verdict::Fail, note);
    }

    fn skip(&mut self, rule: &'static str, note: impl Into<String>) {
        self.note(rule, Verdict::Skip, note);
    }

    /// It holds if nothing is wrong.
    fn settle(&mut self, rule: &'static str, wrong: &[String]) {
        match wrong.first() {
            None => self.pass(rule),
            Some(first) if wrong.len() == 1 => self.fail(rule, first.clone()),
            Some(first) => self.fail(rule, format!("{first} (and {} more)", wrong.len() - 1)),
        }
    }

    /// All rules in order; what was not reached is skipped.
    fn whole(mut self) -> Vec<Ruling> {
        for (rule, _) in RULES {
            if !self.0.iter().any(|ruling| ruling.rule == rule) {
                self.skip(rule, "not reached");
            }
        }
        self.0.sort_by_key(|ruling| ruling.rule);
        self.0
    }
}

/// What is known of a component that loads.
struct Subject<'a> {
    bench: &'a Bench,
    described: Descriptor,
    schema: Option<Schema>,
}

/// Tries every rule.
///
/// # Errors
/// A fault of this machine. What is wrong with the component is a ruling.
pub(crate) async fn judge(places: &Places, loaded: &Loaded) -> Result<Vec<Ruling>, Stop> {
    let mut book = Book::default();
    if !bytes::judge(&mut book, loaded) {
        return Ok(book.whole());
    }
    let bench = match Bench::new(places, loaded).await {
        Ok(bench) => bench,
        Err(Stop::Plugin(why)) => {
            book.fail("C04", why);
            return Ok(book.whole());
        }
        Err(other) => return Err(other),
    };
    book.pass("C04");
    if let Some(described) = talk::describe(&mut book, &bench).await? {
        let schema = talk::schemas(&mut book, &described);
        let subject = Subject {
            bench: &bench,
            described,
            schema,
        };
        talk::judge(&mut book, &subject).await?;
        work::judge(&mut book, &subject).await?;
    }
    Ok(book.whole())
}
