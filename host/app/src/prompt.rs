//! Asking the owner, on a terminal only: one question per request that nobody has decided, with
//! the plugin's reason; and one question about an approval as a whole. The default is No; no answer
//! is No.
//!
//! Never: a question off a terminal, or about what is forbidden.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use remit_core::denial::{Denial, MissingKey};
use remit_core::scope::Capability;

use crate::printable::printable;
use crate::render::{BOLD, NOTE};

/// Whether there is anyone to ask.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// What the owner allowed at the terminal.
#[derive(Debug)]
pub(crate) struct Yes {
    pub(crate) capability: Capability,
    pub(crate) scope: String,
    /// From now on, not only this time.
    pub(crate) always: bool,
}

/// Asks about each denial that a yes could change.
pub(crate) fn ask(plugin: &str, denials: &[Denial]) -> Vec<Yes> {
    let mut allowed = Vec::new();
    for denial in denials {
        let (MissingKey::Allowed, Some(_)) = (&denial.missing, &denial.fix.flag) else {
            continue;
        };
        let always = match question(plugin, denial) {
            Answer::No => continue,
            Answer::Once => false,
            Answer::Always => true,
        };
        allowed.push(Yes {
            capability: denial.capability,
            scope: denial.scope.clone(),
            always,
        });
    }
    allowed
}

/// Asks one question that only a yes answers with yes.
pub(crate) fn confirm(what: &str) -> bool {
    anstream::eprint!("{} [y]es, [N]o: ", printable(what));
    matches!(typed().as_str(), "y" | "yes")
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
    anstream::eprint!("  allow? [y]es this time, [a]lways here for exactly this code, [N]o: ");
    match typed().as_str() {
        "y" | "yes" => Answer::Once,
        "a" | "always" => Answer::Always,
        _ => Answer::No,
    }
}

/// The line that was typed, in lower case; empty if there was none.
fn typed() -> String {
    drop(std::io::stderr().flush());
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line) {
        Ok(_) => line.trim().to_ascii_lowercase(),
        Err(_) => String::new(),
    }
}
