//! Hooks: tools that the owner lets run when something happens.
//!
//! ```toml
//! [[hooks]]
//! on = ["TASK_FAILED", "RUN_*", "tool-finished"]
//! tool = "notify:send"
//! slots = { channel = "builds" }
//! ```
//!
//! The host starts the declared tool once for each event that a pattern names, with the event's
//! JSON on standard input, one at a time for each hook ([`HookQueue`]). Whether the tool may run
//! is decided as for every other tool.
//!
//! Never: a shell, a hook for what a hook caused, a hook that a plugin asks for, a run that waits
//! for a hook.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use globset::{Glob, GlobMatcher};
use serde::{Deserialize, Serialize};

use crate::excerpt::excerpt;
use crate::tool::{CallStdin, SlotName, SlotValue, TemplateId, ToolCall, ToolId};

/// Most hooks of an owner. Each may have a process of its own, so this bounds these, too.
pub const MAX_HOOKS: usize = 32;
/// Most patterns of a hook; there are fewer kinds of events than that in the things that one
/// tool cares about.
pub const MAX_HOOK_PATTERNS: usize = 32;
/// Most slots that a hook fills.
pub const MAX_HOOK_SLOTS: usize = 64;
/// Longest pattern in bytes; the words of events are shorter.
pub const MAX_HOOK_PATTERN: usize = 64;
/// Events that wait for one hook. Beyond, the oldest are dropped and counted, so that a slow hook
/// neither slows the run nor fills memory, and hears of what is new.
pub const MAX_HOOK_BACKLOG: usize = 1_000;

/// What is wrong with the hooks that an owner declared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// More than one host can look after.
    #[error("hooks: {count} of them; at most {MAX_HOOKS} are allowed, so join some")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// It would never run.
    #[error("hook `{tool}`: `on` is empty; name an event, for example `EXECUTION_FINISHED`")]
    NoPattern {
        /// The hook's tool.
        tool: String,
    },
    /// A list without bounds.
    #[error("hook `{tool}`: `{field}` has {count} entries; at most {limit} are allowed")]
    TooLong {
        /// The hook's tool.
        tool: String,
        /// `on` or `slots`.
        field: &'static str,
        /// How many entries there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Not the word of an event, nor words with gaps.
    #[error(
        "`{text}` names no event; write 1 to {MAX_HOOK_PATTERN} characters of A-Z a-z 0-9 _ -, \
         and `*` for any of them"
    )]
    Pattern {
        /// What was written.
        text: String,
    },
    /// A pattern that no event matches: a slip of the pen, which would be silent.
    #[error("hook `{tool}`: no event is called `{pattern}`; the events are {known}")]
    Unknown {
        /// The hook's tool.
        tool: String,
        /// The pattern.
        pattern: String,
        /// The words of all events.
        known: String,
    },
    /// Not a tool and a template.
    #[error("`{text}` is not `tool:template`: {why}")]
    Tool {
        /// What was written.
        text: String,
        /// What is wrong with it.
        why: String,
    },
}

/// The word of an event as its JSON form has it, `TASK_FAILED` of the ledger or `tool-finished` of
/// an attempt, or several: `*` stands for any characters, also none.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventPattern {
    text: String,
    matcher: GlobMatcher,
}

impl EventPattern {
    /// As the owner wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it names the event of this word.
    #[must_use]
    pub fn matches(&self, word: &str) -> bool {
        self.matcher.is_match(word)
    }
}

impl TryFrom<String> for EventPattern {
    type Error = HookError;

    fn try_from(text: String) -> Result<Self, HookError> {
        let refuse = || HookError::Pattern {
            text: excerpt(&text),
        };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_*".contains(&byte);
        if !(1..=MAX_HOOK_PATTERN).contains(&text.len()) || !text.bytes().all(fits) {
            return Err(refuse());
        }
        let matcher = Glob::new(&text).map_err(|_| refuse())?.compile_matcher();
        Ok(Self { text, matcher })
    }
}

impl From<EventPattern> for String {
    fn from(pattern: EventPattern) -> Self {
        pattern.text
    }
}

impl PartialEq for EventPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for EventPattern {}

impl fmt::Debug for EventPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

/// A tool and the shape of its arguments, written `tool:template`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HookTool {
    /// The owner's name for the tool.
    pub tool: ToolId,
    /// The owner's name for the shape of the arguments.
    pub template: TemplateId,
}

impl TryFrom<String> for HookTool {
    type Error = HookError;

    fn try_from(text: String) -> Result<Self, HookError> {
        let refuse = |why: String| HookError::Tool {
            text: excerpt(&text),
            why,
        };
        let Some((tool, template)) = text.split_once(':') else {
            return Err(refuse("there is no `:`".to_owned()));
        };
        Ok(Self {
            tool: tool.parse().map_err(|e| refuse(format!("{e}")))?,
            template: template.parse().map_err(|e| refuse(format!("{e}")))?,
        })
    }
}

impl fmt::Display for HookTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.tool, self.template)
    }
}

impl From<HookTool> for String {
    fn from(tool: HookTool) -> Self {
        tool.to_string()
    }
}

/// One hook, as the owner wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Hook(Written);

/// The form of a hook in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    on: Vec<EventPattern>,
    tool: HookTool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    slots: BTreeMap<SlotName, SlotValue>,
}

impl TryFrom<Written> for Hook {
    type Error = HookError;

    fn try_from(written: Written) -> Result<Self, HookError> {
        let tool = written.tool.to_string();
        if written.on.is_empty() {
            return Err(HookError::NoPattern { tool });
        }
        for (field, count, limit) in [
            ("on", written.on.len(), MAX_HOOK_PATTERNS),
            ("slots", written.slots.len(), MAX_HOOK_SLOTS),
        ] {
            if count > limit {
                return Err(HookError::TooLong {
                    tool,
                    field,
                    count,
                    limit,
                });
            }
        }
        Ok(Self(written))
    }
}

impl From<Hook> for Written {
    fn from(hook: Hook) -> Self {
        hook.0
    }
}

impl Hook {
    /// A hook for these events.
    ///
    /// # Errors
    /// [`HookError`]: no pattern, or too many entries.
    pub fn new(
        on: Vec<EventPattern>,
        tool: HookTool,
        slots: BTreeMap<SlotName, SlotValue>,
    ) -> Result<Self, HookError> {
        Written { on, tool, slots }.try_into()
    }

    /// The events that it is for.
    #[must_use]
    pub fn on(&self) -> &[EventPattern] {
        &self.0.on
    }

    /// What runs.
    #[must_use]
    pub fn tool(&self) -> &HookTool {
        &self.0.tool
    }

    /// Whether an event of this word starts it.
    #[must_use]
    pub fn matches(&self, word: &str) -> bool {
        self.0.on.iter().any(|pattern| pattern.matches(word))
    }

    /// The call of its tool for an event, given the event's JSON. As every call, it is only a
    /// claim until [`crate::grant::Grants::launch`] has checked it, standard input's size included.
    #[must_use]
    pub fn call(&self, event: Vec<u8>) -> ToolCall {
        let Written { tool, slots, .. } = &self.0;
        ToolCall {
            tool: tool.tool.to_string(),
            template: tool.template.to_string(),
            slots: slots
                .iter()
                .map(|(name, value)| (name.to_string(), value.clone()))
                .collect(),
            env: Vec::new(),
            cwd: None,
            stdin: CallStdin::Bytes(event),
            timeout: None,
            idle: None,
        }
    }
}

/// Whose doing an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The run's own.
    Run,
    /// A hook's: that its tool started, wrote or ended. It starts no hook, or `on = ["*"]` would
    /// never end.
    Hook,
}

/// All hooks of an owner, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Hook>", into = "Vec<Hook>")]
pub struct Hooks(Vec<Hook>);

impl TryFrom<Vec<Hook>> for Hooks {
    type Error = HookError;

    fn try_from(hooks: Vec<Hook>) -> Result<Self, HookError> {
        let count = hooks.len();
        if count > MAX_HOOKS {
            return Err(HookError::TooMany { count });
        }
        Ok(Self(hooks))
    }
}

impl From<Hooks> for Vec<Hook> {
    fn from(hooks: Hooks) -> Self {
        hooks.0
    }
}

impl Hooks {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Hook] {
        &self.0
    }

    /// Every pattern that none of the words of events matches.
    #[must_use]
    pub fn unknown(&self, words: &[&str]) -> Vec<HookError> {
        let missed = |pattern: &&EventPattern| !words.iter().any(|word| pattern.matches(word));
        self.0
            .iter()
            .flat_map(|hook| hook.on().iter().filter(missed).map(move |p| (hook, p)))
            .map(|(hook, pattern)| HookError::Unknown {
                tool: hook.tool().to_string(),
                pattern: pattern.as_str().to_owned(),
                known: words.join(", "),
            })
            .collect()
    }

    /// The hooks that an event starts, with their place in [`Hooks::all`]. None for what a hook
    /// caused.
    pub fn started_by(&self, word: &str, cause: Cause) -> impl Iterator<Item = (usize, &Hook)> {
        self.0
            .iter()
            .enumerate()
            .filter(move |(_, hook)| cause == Cause::Run && hook.matches(word))
    }
}

/// What waits for one hook: one at a time, in order, at most [`MAX_HOOK_BACKLOG`].
#[derive(Debug)]
pub struct HookQueue<T> {
    running: bool,
    waiting: VecDeque<T>,
    dropped: u64,
}

impl<T> Default for HookQueue<T> {
    fn default() -> Self {
        Self {
            running: false,
            waiting: VecDeque::new(),
            dropped: 0,
        }
    }
}

impl<T> HookQueue<T> {
    /// One more event. Returned is the one to start now, if the hook is idle; else it waits, and
    /// the oldest that waits is dropped if there is no room.
    #[must_use = "what is returned has to be started"]
    pub fn offer(&mut self, event: T) -> Option<T> {
        if !self.running {
            self.running = true;
            return Some(event);
        }
        if self.waiting.len() >= MAX_HOOK_BACKLOG {
            drop(self.waiting.pop_front());
            self.dropped = self.dropped.saturating_add(1);
        }
        self.waiting.push_back(event);
        None
    }

    /// The hook's tool ended, however. Returned is the one to start now.
    #[must_use = "what is returned has to be started"]
    pub fn ended(&mut self) -> Option<T> {
        let next = self.waiting.pop_front();
        self.running = next.is_some();
        next
    }

    /// Whether its tool runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// How many events wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many were dropped since the beginning.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests;
