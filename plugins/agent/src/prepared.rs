//! What an adapter makes of a request: one call of one declared tool, as plain data.
//!
//! Never: the prompt among the slots. It is standard input or a file.

use crate::inputs::Request;
use crate::tool::Tool;

/// What fills one slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    /// One argument.
    One(String),
    /// Each element one argument.
    Many(Vec<String>),
}

/// One call of one declared tool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prepared {
    /// The owner's name for the tool.
    pub tool: String,
    /// The owner's name for the shape of the arguments.
    pub template: String,
    /// What fills its slots.
    pub slots: Vec<(String, Slot)>,
    /// What the tool reads.
    pub stdin: String,
    /// Files that are there before it starts, in the scratch directory: name and content.
    pub scratch: Vec<(String, String)>,
    /// A file that it writes there and that is read when it has ended.
    pub log: Option<String>,
    /// Whether the tool itself keeps to `max_turns`; otherwise its steps are counted.
    pub keeps_turns: bool,
}

impl Prepared {
    /// A call of this template without slots, which reads the prompt and the names of the files.
    #[must_use]
    pub fn new(tool: &str, template: &str, request: &Request) -> Self {
        Self {
            tool: tool.to_owned(),
            template: template.to_owned(),
            stdin: crate::inputs::with_files(request),
            ..Self::default()
        }
    }

    /// Fills a slot with one value, if there is one.
    #[must_use]
    pub fn slot(mut self, name: &str, value: Option<String>) -> Self {
        if let Some(value) = value {
            self.slots.push((name.to_owned(), Slot::One(value)));
        }
        self
    }

    /// Fills a repeated slot.
    #[must_use]
    pub fn slots(mut self, name: &str, values: &[String]) -> Self {
        self.slots
            .push((name.to_owned(), Slot::Many(values.to_vec())));
        self
    }

    /// Puts a file into the scratch directory.
    #[must_use]
    pub fn file(mut self, name: &str, content: String) -> Self {
        self.scratch.push((name.to_owned(), content));
        self
    }
}

/// An agent that is run once for each request.
pub trait Agent {
    /// Which agent it is, and with it how it is read and judged.
    const TOOL: Tool;
    /// The adapter's version: that of its package.
    const VERSION: &'static str;
    /// One line for people.
    const TITLE: &'static str;
    /// Versions of the agent that were tried (semver range).
    const TOOL_VERSIONS: &'static str;

    /// The call for a request.
    fn prepare(request: &Request) -> Prepared;

    /// What shows, without a request, whether the tool is there.
    #[must_use]
    fn sample() -> Prepared {
        let request = Request {
            prompt: "x".to_owned(),
            files: Vec::new(),
            model: None,
            expect_changes: true,
            max_turns: None,
            allow_commands: Vec::new(),
            retry_budget: 0,
            timeout_ms: None,
            idle_ms: None,
            agent: None,
        };
        Self::prepare(&request)
    }
}

/// The commands of a request as gemini-cli and qwen-code want them in `tools.allowed`: each is the
/// beginning of the commands that it allows.
#[must_use]
pub fn shell_rules(request: &Request) -> Vec<String> {
    request
        .allow_commands
        .iter()
        .map(|command| {
            let start = command.trim_end_matches('*').trim_end();
            format!("run_shell_command({start})")
        })
        .collect()
}
