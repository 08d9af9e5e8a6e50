//! Asking the owner, on a terminal only: one question per request that nobody has decided, with
//! the plugin's reason. The default is No; no answer is No.
//!
//! Answers given with "always" are kept for this component's digest only: other code gets no
//! answer that was given to this. Never: a question off a terminal, or about what is forbidden.

use std::collections::BTreeMap;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use remit_core::denial::{Denial, MissingKey};
use serde::{Deserialize, Serialize};

use crate::exit::Stop;
use crate::printable::printable;
use crate::render::{BOLD, NOTE};

const FORMAT: u32 = 1;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    format: u32,
    /// Component digest, then the flags that were answered with "always".
    components: BTreeMap<String, Vec<String>>,
}

/// The answers that were kept.
#[derive(Debug)]
pub(crate) struct Answers {
    place: PathBuf,
    kept: Kept,
}

impl Answers {
    /// Reads what was kept.
    pub(crate) fn open(place: PathBuf) -> Result<Self, Stop> {
        let kept = match crate::files::read_text_if_there(&place)? {
            None => Kept {
                format: FORMAT,
                components: BTreeMap::new(),
            },
            Some(text) => serde_json::from_str::<Kept>(&text)
                .ok()
                .filter(|kept| kept.format == FORMAT)
                .ok_or_else(|| {
                    Stop::usage(
                        format!("{} is not an answers file of this version", place.display()),
                        "remove it; you will be asked again",
                    )
                })?,
        };
        Ok(Self { place, kept })
    }

    /// The flags that were answered with "always" for this component.
    pub(crate) fn flags(&self, component: &str) -> Vec<String> {
        self.kept
            .components
            .get(component)
            .cloned()
            .unwrap_or_default()
    }

    fn keep(&mut self, component: &str, flag: String) -> Result<(), Stop> {
        let flags = self
            .kept
            .components
            .entry(component.to_owned())
            .or_default();
        if !flags.contains(&flag) {
            flags.push(flag);
        }
        let text = serde_json::to_string_pretty(&self.kept).context("answers file")?;
        crate::files::write_private(&self.place, text.as_bytes())
    }
}

/// Whether there is anyone to ask.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks about each denial that a yes could change; returns the flags that were answered with yes.
pub(crate) fn ask(
    plugin: &str,
    component: &str,
    denials: &[Denial],
    answers: &mut Answers,
) -> Result<Vec<String>, Stop> {
    let mut granted = Vec::new();
    for denial in denials {
        let (MissingKey::Allowed, Some(flag)) = (&denial.missing, &denial.fix.flag) else {
            continue;
        };
        match question(plugin, denial) {
            Answer::No => {}
            Answer::Once => granted.push(flag.clone()),
            Answer::Always => {
                answers.keep(component, flag.clone())?;
                granted.push(flag.clone());
            }
        }
    }
    Ok(granted)
}

/// Asks a question that only a yes answers.
pub(crate) fn confirm(question: &str) -> bool {
    anstream::eprint!("{} [y]es, [N]o: ", printable(question));
    drop(std::io::stderr().flush());
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.is_ok() && matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

enum Answer {
    No,
    Once,
    Always,
}

fn question(plugin: &str, denial: &Denial) -> Answer {
    let reason = denial.reason.as_deref().unwrap_or("it gives no reason");
    anstream::eprintln!(
        "{BOLD}{}{BOLD:#} asks for {NOTE}{} {}{NOTE:#}: {}",
        printable(plugin),
        denial.capability,
        printable(&denial.scope),
        printable(reason)
    );
    anstream::eprint!("  allow? [y]es this time, [a]lways for exactly this code, [N]o: ");
    drop(std::io::stderr().flush());
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line) {
        Ok(_) => match line.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Answer::Once,
            "a" | "always" => Answer::Always,
            _ => Answer::No,
        },
        Err(_) => Answer::No,
    }
}
