//! What is expected, and what was made of it so far.
//!
//! Never: a call that fits two expectations and uses up both.

use std::collections::BTreeMap;

use remit_core::grant::Grants;
use remit_core::scenario::{ExpectedCall, Refusal, Scenario};
use remit_core::tool::{Directory, Launch, SlotValue, StartError};

use crate::fault::spoiled;
use crate::input::Input;
use crate::material::Material;

/// Complaints that are kept. More say the same again.
const MAX_COMPLAINTS: usize = 100;

/// How the calls of a plugin compare with what was expected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What did not fit, one sentence each.
    pub complaints: Vec<String>,
    /// Expected and not made: the line of the scenario, and what was expected.
    pub missing: Vec<(usize, String)>,
    /// How many tools the plugin had run, refusals included.
    pub made: usize,
    /// How many tools of each template it had run.
    pub used: BTreeMap<(String, String), usize>,
}

/// One expectation and what is left of it.
struct Expectation {
    call: ExpectedCall,
    left: u32,
}

/// One use of a tool that took place.
struct Made {
    /// What people call it.
    name: String,
    /// The expectation that it fulfilled.
    expected: ExpectedCall,
    input: Input,
}

/// The expectations of a scenario, and what was made of them.
pub(crate) struct Script {
    grants: Grants,
    any_order: bool,
    expected: Vec<Expectation>,
    /// What becomes of calls that nobody expects; they do not fit if absent.
    otherwise: Option<ExpectedCall>,
    made: Vec<Made>,
    count: usize,
    used: BTreeMap<(String, String), usize>,
    complaints: Vec<String>,
}

/// What becomes of a call.
pub(crate) enum Answer {
    /// This is played; what people call it.
    Play(Box<ExpectedCall>, String),
    /// It does not start.
    Refuse(StartError),
}

impl Script {
    pub(crate) fn new(
        scenario: &Scenario,
        grants: Grants,
        otherwise: Option<&ExpectedCall>,
    ) -> Self {
        let expected = scenario.calls.iter().map(|call| Expectation {
            call: spoiled(call),
            left: call.times,
        });
        Self {
            grants,
            any_order: scenario.any_order,
            expected: expected.collect(),
            otherwise: otherwise.map(spoiled),
            made: Vec::new(),
            count: 0,
            used: BTreeMap::new(),
            complaints: Vec::new(),
        }
    }

    pub(crate) fn complain(&mut self, complaint: String) {
        if self.complaints.len() < MAX_COMPLAINTS {
            self.complaints.push(complaint);
        }
    }

    /// The answer to whether a tool would start. Asking uses up nothing.
    pub(crate) fn check(&self, launch: &Launch) -> Result<(), StartError> {
        let open = self.expected.iter().filter(|one| one.left > 0);
        let mut same = open.filter(|one| is_same_tool(&one.call, launch));
        let next = same.next().map(|one| &one.call).or(self.otherwise.as_ref());
        match next.and_then(|call| call.refuse) {
            Some(why @ (Refusal::Missing | Refusal::Changed)) => Err(refusal(why, launch)),
            Some(Refusal::Spawn | Refusal::Limit) | None => Ok(()),
        }
    }

    /// Finds what a call stands for.
    pub(crate) fn answer(&mut self, launch: &Launch, stdin: Option<&[u8]>) -> Answer {
        self.count += 1;
        let name = format!(
            "call {} ({}:{})",
            self.count,
            launch.tool(),
            launch.template()
        );
        let key = (launch.tool().to_string(), launch.template().to_string());
        *self.used.entry(key).or_default() += 1;
        match self.find(launch, stdin) {
            Ok(index) => {
                let Some(one) = self.expected.get_mut(index) else {
                    return Answer::Refuse(unexpected(launch, "it is gone"));
                };
                one.left -= 1;
                play(&one.call, launch, name)
            }
            Err(why) => {
                if let Some(call) = &self.otherwise {
                    return play(call, launch, name);
                }
                let complaint = format!("{name} is not expected: {why}");
                self.complain(complaint.clone());
                Answer::Refuse(unexpected(launch, &complaint))
            }
        }
    }

    /// Remembers a call that is played, to look at its standard input at the end.
    pub(crate) fn began(&mut self, name: String, expected: ExpectedCall, input: Input) {
        self.made.push(Made {
            name,
            expected,
            input,
        });
    }

    /// The expectation that a call fulfils, or why there is none.
    fn find(&self, launch: &Launch, stdin: Option<&[u8]>) -> Result<usize, String> {
        let mut nearest: Option<(usize, String)> = None;
        for (index, one) in self.expected.iter().enumerate() {
            if one.left == 0 {
                continue;
            }
            let differs = self.differences(&one.call, launch, stdin);
            if differs.is_empty() {
                return Ok(index);
            }
            let why = format!(
                "line {} expects {}:{} {}",
                one.call.line,
                one.call.tool,
                one.call.template,
                differs.join(", ")
            );
            let distance = if is_same_tool(&one.call, launch) {
                0
            } else {
                100
            } + differs.len();
            if nearest.as_ref().is_none_or(|(known, _)| distance < *known) {
                nearest = Some((distance, why));
            }
            if !self.any_order && !one.call.optional && one.left == one.call.times {
                break;
            }
            if !self.any_order && one.left < one.call.times && !one.call.optional {
                // Part of a repetition is still owed, and comes first.
                break;
            }
        }
        Err(nearest.map_or_else(
            || "the scenario expects no further call".to_owned(),
            |(_, why)| why,
        ))
    }

    /// What of a call is not as expected, in words.
    fn differences(
        &self,
        call: &ExpectedCall,
        launch: &Launch,
        stdin: Option<&[u8]>,
    ) -> Vec<String> {
        let mut differs = Vec::new();
        if !is_same_tool(call, launch) {
            return vec!["next".to_owned()];
        }
        let arguments = in_place(launch);
        if let Some(wanted) = &call.arguments
            && *wanted != arguments
        {
            differs.push(format!(
                "with the arguments {wanted:?}, and got {arguments:?}"
            ));
        }
        let mut rest = arguments.iter();
        for wanted in &call.arguments_contain {
            if !rest.any(|argument| argument == wanted) {
                differs.push(format!(
                    "with the argument {wanted:?}, and got {arguments:?}"
                ));
            }
        }
        differs.extend(self.slots(call, launch, &arguments));
        if let Some(wanted) = &call.directory {
            let got = match launch.directory() {
                Directory::Workspace(path) => path.to_string(),
                Directory::Fixed(path) => path.display().to_string(),
            };
            if got != wanted.as_str() {
                differs.push(format!("in the directory `{wanted}`, and got `{got}`"));
            }
        }
        for (name, value) in &call.env {
            let got = launch
                .set_env()
                .iter()
                .find(|(known, _)| known.as_str() == name);
            if got.is_none_or(|(_, got)| got != value) {
                differs.push(format!("with {name}={value:?} in its environment"));
            }
        }
        if let Some(stdin) = stdin {
            let text = String::from_utf8_lossy(stdin);
            for wanted in &call.stdin_contains {
                if !text.contains(wanted.as_str()) {
                    differs.push(format!("with {wanted:?} on standard input"));
                }
            }
        }
        differs
    }

    fn slots(&self, call: &ExpectedCall, launch: &Launch, arguments: &[String]) -> Vec<String> {
        if call.slots.is_empty() {
            return Vec::new();
        }
        let tool = self.grants.tools().get(launch.tool());
        let template = tool.and_then(|tool| tool.declaration().templates().get(launch.template()));
        let Some(filled) = template.and_then(|template| template.unfill(arguments)) else {
            return vec![format!(
                "with slots that cannot be told from the arguments {:?}; expect `arguments` instead",
                arguments
            )];
        };
        let mut differs = Vec::new();
        for (name, wanted) in &call.slots {
            let got = filled.iter().find(|(known, _)| known == name);
            match got {
                Some((_, got)) if got == wanted => {}
                Some((_, got)) => differs.push(format!(
                    "with the slot {name} = {}, and got {}",
                    shown(wanted),
                    shown(got)
                )),
                None => differs.push(format!("with the slot {name} = {}", shown(wanted))),
            }
        }
        differs
    }

    /// How it came out.
    pub(crate) fn report(&self, material: &Material) -> Report {
        let mut complaints = self.complaints.clone();
        for made in &self.made {
            complaints.extend(stdin_complaint(made, material));
        }
        let owed = self.expected.iter().filter(|one| one.left > 0);
        let missing = owed
            .filter(|one| !one.call.optional)
            .map(|one| {
                let (tool, template) = (&one.call.tool, &one.call.template);
                let what = match (one.left, one.call.times) {
                    (1, 1) => format!("{tool}:{template}"),
                    (left, times) => format!("{tool}:{template}, {left} of {times} times"),
                };
                (one.call.line, what)
            })
            .collect();
        Report {
            complaints,
            missing,
            made: self.count,
            used: self.used.clone(),
        }
    }
}

/// What becomes of a call that is expected.
fn play(call: &ExpectedCall, launch: &Launch, name: String) -> Answer {
    match call.refuse {
        Some(why) => Answer::Refuse(refusal(why, launch)),
        None => Answer::Play(Box::new(call.clone()), name),
    }
}

fn stdin_complaint(made: &Made, material: &Material) -> Vec<String> {
    let got = made.input.bytes();
    let text = String::from_utf8_lossy(&got);
    let mut found = Vec::new();
    if let Some(wanted) = &made.expected.stdin
        && let Some(wanted) = material.bytes(wanted)
        && wanted != got
    {
        found.push(format!(
            "{}: standard input is {:?}, line {} expects {:?}",
            made.name,
            excerpt(&text),
            made.expected.line,
            excerpt(&String::from_utf8_lossy(&wanted))
        ));
    }
    for wanted in &made.expected.stdin_contains {
        if !text.contains(wanted.as_str()) {
            found.push(format!(
                "{}: standard input is {:?}, line {} expects {wanted:?} in it",
                made.name,
                excerpt(&text),
                made.expected.line,
            ));
        }
    }
    found
}

/// Longest part of a text that a message shows.
const SHOWN: usize = 400;

/// The beginning of a text.
pub(crate) fn excerpt(text: &str) -> String {
    let end = text.floor_char_boundary(SHOWN);
    match text.get(..end) {
        Some(start) if start.len() < text.len() => format!("{start}…"),
        Some(_) | None => text.to_owned(),
    }
}

/// What stands for the scratch directory in arguments, as in a tool's declaration.
pub(crate) const PLACE: &str = "{scratch}";

/// The arguments, with `{scratch}` for the directory that is another one each time.
pub(crate) fn in_place(launch: &Launch) -> Vec<String> {
    let arguments = launch.arguments().iter();
    match launch.scratch() {
        Some(path) => arguments
            .map(|argument| argument.replace(path, PLACE))
            .collect(),
        None => arguments.cloned().collect(),
    }
}

fn shown(value: &SlotValue) -> String {
    match value {
        SlotValue::One(value) => format!("{value:?}"),
        SlotValue::Many(values) => format!("{values:?}"),
    }
}

fn is_same_tool(call: &ExpectedCall, launch: &Launch) -> bool {
    launch.tool().as_str() == call.tool && launch.template().as_str() == call.template
}

fn refusal(why: Refusal, launch: &Launch) -> StartError {
    let tool = launch.tool().clone();
    match why {
        Refusal::Missing => StartError::Missing {
            tool,
            reason: "the scenario says so".to_owned(),
        },
        Refusal::Changed => StartError::Changed {
            tool,
            path: "/scenario".into(),
            change: "the scenario says so".to_owned(),
        },
        Refusal::Spawn => StartError::Refused {
            tool,
            step: "exec".to_owned(),
            errno: 11,
            message: "the scenario says so".to_owned(),
        },
        Refusal::Limit => StartError::Limit {
            tool,
            what: "the scenario says so".to_owned(),
        },
    }
}

fn unexpected(launch: &Launch, why: &str) -> StartError {
    StartError::Refused {
        tool: launch.tool().clone(),
        step: "scenario".to_owned(),
        errno: 0,
        message: why.to_owned(),
    }
}
