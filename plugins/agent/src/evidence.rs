//! What words for people hint at.
//!
//! Agents tell their worst troubles in sentences. These are looked at only where the agent has no
//! better way to say it, and never overrule an event. Never: a success that rests on words.

use crate::observation::EndKind;

/// A refusal of what the agent wanted to do, in the words of the agents that are known.
const REFUSED: &[&str] = &[
    "requested permissions",
    "haven't granted",
    "permission to use",
    "requires permission",
    "requires approval",
    "requires user approval",
    "requires confirmation",
    "requires user confirmation",
    "approval policy",
    "user approval settings",
    "has been denied",
    "was denied",
    "was declined",
    "denied by policy",
    "denied by user",
    "execution denied",
    "rejected permission",
    "user rejected",
    "rejected by user",
    "patch rejected",
    "auto-rejecting",
    "permission requested",
    "prevents you from using",
    "not allowed by",
    "is not allowed",
    "is disabled by",
    "blocked by",
    "unavailable tool",
    "tool not found",
    "not found in registry",
    "tool_not_registered",
    "not available in non-interactive",
];

/// A place that cannot be written: maybe a refusal, maybe only a broken command.
const REFUSAL_SIGNS: &[&str] = &[
    "read-only file system",
    "permission denied",
    "operation not permitted",
    "eacces",
    "eperm",
    "erofs",
    "outside of the project",
    "outside the workspace",
];

/// A call or a setting that the program does not take.
const CONFIG: &[&str] = &[
    "unknown option",
    "unknown argument",
    "unknown command",
    "unexpected argument",
    "unrecognized argument",
    "invalid value for",
    "invalid choice",
    "expected one argument",
    "missing required argument",
    "not enough arguments",
    "argument missing",
    "the following required arguments",
    "input must be provided",
    "no input provided",
    "no prompt provided",
    "cannot be used with",
    "cannot be both",
    "try '--help'",
    "not inside a trusted directory",
    "not running in a trusted directory",
    "error finding codex home",
    "error loading config",
    "invalid configuration",
    "config file",
    "configinvaliderror",
    "configjsonerror",
    "invalid auth method",
    "set an auth method",
    "no auth type",
    "model not found",
    "providermodelnotfounderror",
    "command not found",
    "not a git repository",
    "not logged in",
    "authentication required",
    "auth required",
];

/// The service behind the agent.
const PROVIDER: &[&str] = &[
    "api error",
    "apierror",
    "api_error",
    "litellm.",
    "unauthorized",
    "authentication",
    "invalid api key",
    "invalid x-api-key",
    "incorrect api key",
    "missing environment variable",
    "api key",
    "rate limit",
    "rate_limit",
    "ratelimit",
    "resource_exhausted",
    "quota",
    "usage limit",
    "credit balance",
    "billing",
    "overloaded",
    "high demand",
    "unexpected status",
    "failed with status",
    "internal server error",
    "server error",
    "service unavailable",
    "bad gateway",
    "gateway timeout",
    "request timed out",
    "connection error",
    "connection refused",
    "connection reset",
    "unable to connect",
    "could not connect",
    "econnrefused",
    "econnreset",
    "enotfound",
    "etimedout",
    "fetch failed",
    "network error",
    "stream disconnected",
    "error sending request",
    "error when talking to",
];

/// A limit on turns, tokens or money.
const LIMIT: &[&str] = &[
    "maximum number of turns",
    "max turns",
    "max_turns",
    "maximum session turns",
    "max session turns",
    "turn limit",
    "maximum budget",
    "max budget",
    "budget exceeded",
    "hit a token limit",
    "context window",
    "context length",
    "context_length_exceeded",
    "maximum output",
    "output length",
];

/// Someone ended it.
const CANCELLED: &[&str] = &[
    "aborted",
    "interrupted",
    "cancelled by user",
    "canceled by user",
    "operation cancelled",
    "keyboardinterrupt",
    "control-c",
];

fn has(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// Whether the words of a failed tool are a refusal.
pub(crate) fn is_refusal(text: &str) -> bool {
    let text = text.to_lowercase();
    // gemini, of a tool that it was not given: `Tool "replace" not found. Did you mean one of`.
    let no_such_tool = text.starts_with("tool \"") && text.contains("\" not found");
    no_such_tool || has(&text, REFUSED)
}

/// Whether the words of a failed command may come of a refusal.
pub(crate) fn is_refusal_sign(text: &str) -> bool {
    has(&text.to_lowercase(), REFUSAL_SIGNS)
}

/// Whether a line of standard error is a refusal that is told nowhere else. Narrow: in their forms
/// for people agents repeat files and the output of commands there.
pub(crate) fn is_told_refusal(line: &str) -> bool {
    let line = line.to_lowercase();
    let of_codex = line.contains("reject")
        && ["patch", "sandbox", "approval"]
            .iter()
            .any(|word| line.contains(word));
    of_codex
        || line.contains("auto-rejecting")
        || line.contains("approval policy is never")
        || line.contains("denied by policy")
}

/// What a line for people hints at, if at anything.
pub(crate) fn hint(text: &str) -> Option<EndKind> {
    let text = text.to_lowercase();
    // Indented lines and stack frames repeat what the line above said, or are a program's usage.
    if text.starts_with("usage:") || has(&text, CONFIG) {
        Some(EndKind::Config)
    } else if has(&text, LIMIT) {
        Some(EndKind::Limit)
    } else if has(&text, PROVIDER) {
        Some(EndKind::Provider)
    } else if has(&text, CANCELLED) {
        Some(EndKind::Cancelled)
    } else {
        None
    }
}

/// The kind of an error that the agent told as an event; `otherwise` if its words hint at nothing.
pub(crate) fn kind_of_error(words: &str, otherwise: EndKind) -> EndKind {
    match hint(words) {
        // The words of providers are full of settings: of an error event they are the provider's.
        Some(EndKind::Config) if has(&words.to_lowercase(), PROVIDER) => EndKind::Provider,
        Some(kind) => kind,
        None => otherwise,
    }
}

/// Whether a provider's refusal will be the same the next time: a key that is wrong or missing.
pub(crate) fn is_lasting(words: &str) -> bool {
    const LASTING: &[&str] = &[
        "401",
        "403",
        "unauthorized",
        "authentication",
        "api key",
        "x-api-key",
        "missing environment variable",
        "insufficient_quota",
        "credit balance",
        "billing",
        "model_not_found",
    ];
    has(&words.to_lowercase(), LASTING)
}

/// A line without the sequences by which terminals change colour.
pub(crate) fn without_colours(line: &str) -> String {
    let mut bare = String::with_capacity(line.len());
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\u{1b}' {
            bare.push(character);
            continue;
        }
        if characters.next_if_eq(&'[').is_some() {
            // ECMA-48: parameters and intermediates, then one byte from `@` to `~`.
            for end in characters.by_ref() {
                if ('@'..='~').contains(&end) {
                    break;
                }
            }
        }
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_hint_at_what_they_are_about() {
        for (words, kind) in [
            ("error: unknown option '--nope'", EndKind::Config),
            ("usage: aider [-h]", EndKind::Config),
            ("Invalid auth method selected.", EndKind::Config),
            ("Reached maximum number of turns (2)", EndKind::Limit),
            ("unexpected status 401 Unauthorized", EndKind::Provider),
            ("connect ECONNREFUSED 127.0.0.1:1", EndKind::Provider),
            ("Request was aborted.", EndKind::Cancelled),
        ] {
            assert_eq!(hint(words), Some(kind), "{words}");
        }
        assert_eq!(hint("Reading additional input from stdin..."), None);
        assert_eq!(kind_of_error("boom", EndKind::Provider), EndKind::Provider);
    }

    #[test]
    fn refusals_of_each_agent() {
        for words in [
            "Claude requested permissions to write to /r/a, but you haven't granted it yet.",
            "The user rejected permission to use this specific tool call.",
            "! permission requested: edit (calc.py); auto-rejecting",
            "patch rejected: writing outside of the project; rejected by user approval settings",
            "MCP tool call requires approval, but approval policy is never",
            "Tool \"replace\" not found. Did you mean one of: \"read_file\"?",
        ] {
            assert!(is_refusal(words), "{words}");
        }
        for words in [
            "old_string not found in file",
            "exit code 1",
            "sh: 1: Permission denied",
        ] {
            assert!(!is_refusal(words), "{words}");
        }
        assert!(is_refusal_sign(
            "sh: 1: cannot create x: Read-only file system"
        ));
    }

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(without_colours("\u{1b}[93m\u{1b}[1m! \u{1b}[0mx"), "! x");
        assert_eq!(without_colours("\u{1b}"), "");
        assert_eq!(without_colours("\u{1b}[12"), "");
    }
}
