//! Rules about what a plugin says of itself and of inputs.
//!
//! Never: work. Nothing is granted while it answers.

use std::time::Duration;

use remit_core::outcome::InputProblem;
use remit_engine::inputs::Schema;
use remit_engine::plugin::{Descriptor, Instance, Plugin as _, PluginFault};
use remit_scripted::samples;
use serde_json::{Value, json};

use super::{Book, Subject};
use crate::exit::Stop;
use crate::trial::Bench;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Problems of one answer that are looked at.
const MAX_PROBLEMS: usize = 1_000;

async fn instance(bench: &Bench) -> Result<Result<Box<dyn Instance>, PluginFault>, Stop> {
    let host = bench.silent_host()?;
    Ok(bench.plugin().instantiate(host, None).await)
}

/// An answer within the time that is given.
async fn answer<T>(asked: impl Future<Output = Result<T, PluginFault>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(fault)) => Err(fault.message),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

/// The plugin as it describes itself, if it does.
pub(super) async fn describe(book: &mut Book, bench: &Bench) -> Result<Option<Descriptor>, Stop> {
    let mut first = match instance(bench).await? {
        Ok(instance) => instance,
        Err(fault) => {
            book.fail("C06", fault.message);
            return Ok(None);
        }
    };
    book.pass("C06");
    let described = match answer(first.describe()).await {
        Ok(described) => described,
        Err(why) => {
            book.fail("C07", why);
            return Ok(None);
        }
    };
    book.pass("C07");
    let mut others = vec![answer(first.describe()).await];
    drop(first);
    if let Ok(mut second) = instance(bench).await? {
        others.push(answer(second.describe()).await);
    }
    let differs = others.iter().find_map(|other| match other {
        Ok(other) if *other == described => None,
        Ok(_) => Some("it describes itself otherwise the second time".to_owned()),
        Err(why) => Some(why.clone()),
    });
    book.settle("C08", &differs.into_iter().collect::<Vec<_>>());
    Ok(Some(described))
}

/// The schema of the inputs, if both schemas are schemas.
pub(super) fn schemas(book: &mut Book, described: &Descriptor) -> Option<Schema> {
    let inputs = Schema::parse(&described.input_schema);
    let outputs = Schema::parse(&described.output_schema);
    let mut wrong = Vec::new();
    wrong.extend(
        inputs
            .as_ref()
            .err()
            .map(|error| format!("inputs: {error}")),
    );
    wrong.extend(
        outputs
            .as_ref()
            .err()
            .map(|error| format!("outputs: {error}")),
    );
    book.settle("C10", &wrong);
    inputs.ok()
}

/// Rules about identity and inputs.
pub(super) async fn judge(book: &mut Book, subject: &Subject<'_>) -> Result<(), Stop> {
    identity(book, subject);
    let mut said = Said::default();
    let mut wrong = Vec::new();
    let own = subject.schema.as_ref().map(samples).unwrap_or_default();
    for input in &own {
        wrong.extend(said.ask(subject.bench, input).await?);
    }
    match own.is_empty() {
        true => book.skip("C11", "no inputs could be made from its schema"),
        false => book.settle("C11", &wrong),
    }
    let mut wrong = Vec::new();
    for (name, input) in shapes(subject.schema.as_ref(), own.first()) {
        let fault = said.ask(subject.bench, &input).await?;
        wrong.extend(fault.map(|fault| format!("{name}: {fault}")));
    }
    book.settle("C12", &wrong);
    match said.any {
        false => book.skip("C13", "it reported no problem"),
        true => book.settle("C13", &said.wrong),
    }
    config(book, subject.bench).await
}

fn identity(book: &mut Book, subject: &Subject<'_>) {
    let loaded = subject.bench.loaded();
    if !loaded.has_manifest {
        book.skip("C09", "it has no manifest");
        return;
    }
    let (manifest, described) = (&loaded.manifest, &subject.described);
    let mut wrong = Vec::new();
    if described.id != manifest.id().as_str() {
        wrong.push(format!(
            "it is `{}`, in the manifest `{}`",
            described.id,
            manifest.id()
        ));
    }
    let version = manifest.version().to_string();
    if described.version != version {
        wrong.push(format!(
            "it is of version `{}`, in the manifest `{version}`",
            described.version
        ));
    }
    book.settle("C09", &wrong);
}

/// What the plugin said of inputs.
#[derive(Default)]
struct Said {
    any: bool,
    wrong: Vec<String>,
}

impl Said {
    /// Asks about inputs; gives the fault if there was one.
    async fn ask(&mut self, bench: &Bench, input: &Value) -> Result<Option<String>, Stop> {
        let mut instance = match instance(bench).await? {
            Ok(instance) => instance,
            Err(fault) => return Ok(Some(fault.message)),
        };
        match answer(instance.validate_inputs(&input.to_string())).await {
            Ok(problems) => {
                self.any |= !problems.is_empty();
                let looked = problems.iter().take(MAX_PROBLEMS);
                self.wrong.extend(looked.filter_map(misshapen));
                Ok(None)
            }
            Err(why) => Ok(Some(why)),
        }
    }
}

/// What is wrong with the shape of a problem.
fn misshapen(problem: &InputProblem) -> Option<String> {
    let kebab = !problem.code.is_empty()
        && problem
            .code
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !(problem.path.is_empty() || problem.path.starts_with('/')) {
        Some(format!("{:?} is no JSON pointer", problem.path))
    } else if !kebab {
        Some(format!("{:?} is no kebab-case word", problem.code))
    } else if problem.message.trim().is_empty() {
        Some(format!("the problem {:?} has no message", problem.code))
    } else {
        None
    }
}

/// Inputs of every shape: all of them JSON, as the contract says, and most of them nonsense.
fn shapes(schema: Option<&Schema>, sample: Option<&Value>) -> Vec<(String, Value)> {
    /// Deeper than people write, less deep than where readers of JSON give up.
    const DEEP: usize = 100;
    /// One text, in bytes.
    const LONG: usize = 1 << 20;
    let mut deep = json!(0);
    for _ in 0..DEEP {
        deep = json!([deep]);
    }
    let names = schema.map(Schema::names).unwrap_or_default();
    let all = |value: &Value| -> Value {
        let members = names.iter().map(|name| (name.clone(), value.clone()));
        Value::Object(members.collect())
    };
    let odd =
        "\u{0} \u{202e} \u{fffd} 👩‍👩‍👧 \u{10ffff} ../../etc/passwd; rm -rf / `id` $(id) {{x}} %s";
    let mut found = vec![
        ("an empty object".to_owned(), json!({})),
        (
            "a member that nobody knows".to_owned(),
            json!({"no-such-member-anywhere": odd}),
        ),
        ("each member null".to_owned(), all(&Value::Null)),
        ("each member a number".to_owned(), all(&json!(-1))),
        ("each member a huge number".to_owned(), all(&json!(1e300))),
        ("each member true".to_owned(), all(&json!(true))),
        ("each member an empty text".to_owned(), all(&json!(""))),
        ("each member an odd text".to_owned(), all(&json!(odd))),
        (
            "each member a list".to_owned(),
            all(&json!([null, 1, "a", [], {}])),
        ),
        (
            "each member an object".to_owned(),
            all(&json!({"a": {"b": []}})),
        ),
        ("each member nested deep".to_owned(), all(&deep)),
        (
            "a text of a mebibyte".to_owned(),
            all(&json!("x".repeat(LONG))),
        ),
        ("a list instead of an object".to_owned(), json!([1, 2])),
        ("a text instead of an object".to_owned(), json!("inputs")),
        ("null instead of an object".to_owned(), Value::Null),
    ];
    if let Some(Value::Object(sample)) = sample {
        for name in sample.keys() {
            let mut other = sample.clone();
            other.insert(name.clone(), json!({"wrong": [odd]}));
            found.push((
                format!("a sample with a wrong `{name}`"),
                Value::Object(other),
            ));
        }
    }
    found
}

async fn config(book: &mut Book, bench: &Bench) -> Result<(), Stop> {
    let mut instance = match instance(bench).await? {
        Ok(instance) => instance,
        Err(fault) => {
            book.fail("C14", fault.message);
            return Ok(());
        }
    };
    match answer(instance.validate_config()).await {
        Ok(problems) => {
            let wrong: Vec<String> = problems.iter().filter_map(misshapen).collect();
            book.settle("C14", &wrong);
        }
        Err(why) => book.fail("C14", why),
    }
    Ok(())
}
