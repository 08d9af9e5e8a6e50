//! JUnit XML, as pytest and node write it, and as it is written for others.
//!
//! There is no binding schema; this reads what <https://github.com/testmoapp/junitxml> describes:
//! `testsuites`, nested `testsuite`, `testcase` with `failure`, `error`, `skipped`. The counts are those
//! of the cases, not those that the attributes claim. Never: a document type, an entity that is
//! declared, nesting or size beyond the limits.

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::tests::{Case, Location, MOST_MESSAGE, Status, Tests, location_in};

/// Largest report: a run of 50 000 tests has some 10 MiB.
pub const MOST_BYTES: usize = 16 << 20;
/// Deepest nesting: node nests suites as programs do; nobody goes deeper than ten.
const MOST_DEPTH: usize = 64;
/// Most text of one element that is looked at.
const MOST_TEXT: usize = 64 << 10;

/// Why a report was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JunitError {
    /// Larger than [`MOST_BYTES`].
    #[error("a report has at most {MOST_BYTES} bytes")]
    TooLarge,
    /// Not UTF-8.
    #[error("a report is UTF-8")]
    NotText,
    /// Elements within elements, too many of them.
    #[error("elements are nested more than {MOST_DEPTH} deep")]
    TooDeep,
    /// It declares a document type, which could declare entities.
    #[error("has a document type, which is not read")]
    DocType,
    /// It ends in the middle, or is empty.
    #[error("ends before it is complete")]
    Incomplete,
    /// Not XML; says where.
    #[error("not XML at byte {at}: {why}")]
    Malformed {
        /// Where.
        at: u64,
        /// Why.
        why: String,
    },
    /// XML, but of something else.
    #[error("begins with `{0}`, not with `testsuites` or `testsuite`")]
    OtherRoot(String),
}

/// Reads a report.
///
/// # Errors
/// It is no such report, or passes a limit. Nothing of it is believed then.
pub fn read(bytes: &[u8]) -> Result<Tests, JunitError> {
    if bytes.len() > MOST_BYTES {
        return Err(JunitError::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| JunitError::NotText)?;
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = Reader::from_str(text);
    let mut state = State::default();
    loop {
        let event = reader.read_event();
        let at = reader.buffer_position();
        let wrong = |why: String| JunitError::Malformed { at, why };
        match event.map_err(|error| wrong(error.to_string()))? {
            Event::Start(element) => state.open(&element).map_err(|error| error.at(at))?,
            Event::Empty(element) => {
                state.open(&element).map_err(|error| error.at(at))?;
                state.close();
            }
            Event::End(_) => state.close(),
            Event::Text(text) => state.text(&text.xml10_content()),
            Event::CData(text) => state.text(&text.xml10_content()),
            Event::GeneralRef(entity) => state.text(&resolve(&entity).map_err(wrong)?),
            Event::DocType(_) => return Err(JunitError::DocType),
            Event::Eof if state.complete => return Ok(state.tests),
            Event::Eof => return Err(JunitError::Incomplete),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

/// One of the five entities of XML itself, or a character by its number.
fn resolve(entity: &BytesRef<'_>) -> Result<String, String> {
    if let Some(letter) = entity
        .resolve_char_ref()
        .map_err(|error| error.to_string())?
    {
        return Ok(letter.to_string());
    }
    let name = entity.xml10_content();
    match name.as_ref() {
        "amp" => Ok("&".to_owned()),
        "lt" => Ok("<".to_owned()),
        "gt" => Ok(">".to_owned()),
        "quot" => Ok("\"".to_owned()),
        "apos" => Ok("'".to_owned()),
        other => Err(format!("the entity `{other}` is not one of XML's own")),
    }
}

/// What is wrong with an element, before its place is known.
enum Wrong {
    Whole(JunitError),
    Here(String),
}

impl Wrong {
    fn at(self, at: u64) -> JunitError {
        match self {
            Self::Whole(error) => error,
            Self::Here(why) => JunitError::Malformed { at, why },
        }
    }
}

#[derive(Default)]
struct State {
    open: Vec<Open>,
    suites: Vec<String>,
    case: Option<Building>,
    tests: Tests,
    complete: bool,
}

/// What an open element is.
enum Open {
    Suite,
    Case,
    Result,
    Other,
}

struct Building {
    name: String,
    file: Option<Location>,
    seconds: Option<f64>,
    status: Status,
    message: Option<String>,
    text: String,
    inside: bool,
}

impl State {
    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), Wrong> {
        let name = element.local_name();
        let name = name.as_ref();
        let name = name.to_owned();
        if self.open.is_empty() && !matches!(name.as_str(), "testsuites" | "testsuite") {
            return Err(Wrong::Whole(JunitError::OtherRoot(
                name.chars().take(100).collect(),
            )));
        }
        if self.open.len() == MOST_DEPTH {
            return Err(Wrong::Whole(JunitError::TooDeep));
        }
        let what = match name.as_str() {
            "testsuites" | "testsuite" => {
                let named = attribute(element, "name")?.unwrap_or_default();
                self.suites.push(named);
                Open::Suite
            }
            "testcase" if self.case.is_none() => {
                self.case = Some(self.building(element)?);
                Open::Case
            }
            "failure" | "error" | "skipped" => match &mut self.case {
                Some(case) => {
                    let message = attribute(element, "message")?;
                    case.result(&name, message);
                    Open::Result
                }
                None => Open::Other,
            },
            _ => Open::Other,
        };
        self.open.push(what);
        Ok(())
    }

    fn building(&self, element: &BytesStart<'_>) -> Result<Building, Wrong> {
        let name = attribute(element, "name")?.unwrap_or_default();
        let class = attribute(element, "classname")?.unwrap_or_default();
        let file = attribute(element, "file")?;
        // pytest counts lines of definitions from 0.
        let line = attribute(element, "line")?.and_then(|line| line.parse::<u64>().ok());
        let seconds = attribute(element, "time")?
            .and_then(|time| time.parse::<f64>().ok())
            .filter(|time| time.is_finite());
        let name = match class.as_str() {
            "" => name,
            // Node says this of all tests, and what they are part of by suites.
            "test" => {
                let mut parts: Vec<&str> = self.suites.iter().map(String::as_str).collect();
                parts.push(&name);
                parts.retain(|part| !part.is_empty());
                parts.join(" > ")
            }
            class => format!("{class}::{name}"),
        };
        Ok(Building {
            name,
            file: file.map(|file| Location {
                file,
                line: line.map(|line| line.saturating_add(1)),
            }),
            seconds,
            status: Status::Passed,
            message: None,
            text: String::new(),
            inside: false,
        })
    }

    fn text(&mut self, text: &str) {
        if let Some(case) = self.case.as_mut().filter(|case| case.inside)
            && case.text.len() < MOST_TEXT
        {
            case.text.push_str(text);
        }
    }

    fn close(&mut self) {
        match self.open.pop() {
            Some(Open::Suite) => drop(self.suites.pop()),
            Some(Open::Result) => {
                if let Some(case) = &mut self.case {
                    case.inside = false;
                }
            }
            Some(Open::Case) => {
                if let Some(case) = self.case.take() {
                    self.tests.add(case.done());
                }
            }
            Some(Open::Other) | None => {}
        }
        self.complete |= self.open.is_empty();
    }
}

impl Building {
    fn result(&mut self, name: &str, message: Option<String>) {
        let status = match name {
            "failure" => Status::Failed,
            "error" => Status::Error,
            _ => Status::Skipped,
        };
        // A test that is skipped, or still to be done, may fail as well: it was not meant to pass.
        if self.status == Status::Skipped
            || (self.status != Status::Passed && status != Status::Skipped)
        {
            return;
        }
        self.status = status;
        self.message = message.filter(|message| !message.is_empty());
        self.inside = true;
    }

    fn done(self) -> Case {
        let text = self.text.trim();
        let failed = matches!(self.status, Status::Failed | Status::Error);
        let location = failed.then(|| location_in(text)).flatten().or(self.file);
        let message = self
            .message
            .or_else(|| (!text.is_empty()).then(|| text.chars().take(MOST_MESSAGE).collect()));
        Case {
            name: self.name,
            status: self.status,
            location,
            message: message.filter(|_| self.status != Status::Passed),
            seconds: self.seconds,
        }
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, Wrong> {
    let here = |error: &dyn std::fmt::Display| Wrong::Here(error.to_string());
    let found = element
        .try_get_attribute(name)
        .map_err(|error| here(&error))?;
    found
        .map(|found| {
            found
                .normalized_value(XmlVersion::Implicit1_0)
                .map(std::borrow::Cow::into_owned)
                .map_err(|error| here(&error))
        })
        .transpose()
}

/// Writes a report of one suite.
#[must_use]
pub fn write(suite: &str, tests: &Tests) -> String {
    let counts = &tests.counts;
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"{}\" tests=\"{}\" \
         failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n",
        escape(suite),
        counts.total,
        counts.failed,
        counts.errors,
        counts.skipped
    );
    for case in tests.failed.iter().chain(&tests.others) {
        text += &format!("<testcase name=\"{}\"", escape(&case.name));
        if let Some(location) = &case.location {
            text += &format!(" file=\"{}\"", escape(&location.file));
            if let Some(line) = location.line {
                // Read back as it was: lines of cases count from 0.
                text += &format!(" line=\"{}\"", line.saturating_sub(1));
            }
        }
        if let Some(seconds) = case.seconds {
            text += &format!(" time=\"{seconds}\"");
        }
        let element = match case.status {
            Status::Passed => {
                text += "/>\n";
                continue;
            }
            Status::Failed => "failure",
            Status::Error => "error",
            Status::Skipped => "skipped",
        };
        let message = escape(case.message.as_deref().unwrap_or_default());
        text += &format!("><{element} message=\"{message}\"/></testcase>\n");
    }
    text + "</testsuite>\n</testsuites>\n"
}

/// A text as an attribute's value. Characters that XML does not have become `?`.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' => escaped.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('?'),
            letter if letter < ' ' => escaped.push('?'),
            letter => escaped.push(letter),
        }
    }
    escaped
}
