//! What people see of errors, denials and problems: one look for all commands.
//!
//! Never: text from outside that did not pass `printable`; colours on what is no terminal
//! (`anstream` takes them out).

pub(crate) mod entry;
mod hint;
pub(crate) mod json;
pub(crate) mod phase;

use anstream::eprintln;
use anstyle::{AnsiColor, Style};
use miette::{GraphicalReportHandler, LabeledSpan, MietteDiagnostic, NamedSource};
use remit_core::denial::Denial;
use remit_core::diagnostic::{Diagnostic, Diagnostics};
use remit_core::outcome::InputProblem;

use crate::printable::printable;

/// Bold red.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Bold green.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Yellow.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
/// Cyan.
pub(crate) const NOTE: Style = AnsiColor::Cyan.on_default();
/// Dim.
pub(crate) const DIM: Style = Style::new().dimmed();
/// Bold.
pub(crate) const BOLD: Style = Style::new().bold();

pub(crate) fn error_word() -> String {
    format!("{BAD}error:{BAD:#}")
}

pub(crate) fn fix_word() -> String {
    format!("{NOTE}fix:{NOTE:#}")
}

/// A denial, with the plugin's reason and what would allow it.
pub(crate) fn denial(denial: &Denial) {
    for (number, line) in denial.to_string().lines().enumerate() {
        let line = printable(line);
        if number == 0 {
            eprintln!("  {BAD}x{BAD:#} {line}");
        } else {
            eprintln!("    {}", line.trim_start());
        }
    }
}

/// Everything that is wrong with inputs.
pub(crate) fn problems(problems: &[InputProblem]) {
    let count = problems.len();
    let things = if count == 1 { "problem" } else { "problems" };
    eprintln!("{} {count} {things} in the inputs", error_word());
    for problem in problems {
        eprintln!("  {BAD}x{BAD:#} {}", printable(&problem.to_string()));
    }
}

/// Everything that is wrong with files, with the places shown.
pub(crate) fn diagnostics(diagnostics: &Diagnostics) {
    use std::io::IsTerminal as _;
    let theme = if std::io::stderr().is_terminal() {
        miette::GraphicalTheme::unicode()
    } else {
        miette::GraphicalTheme::none()
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false);
    for diagnostic in diagnostics.list() {
        let mut text = String::new();
        match handler.render_report(&mut text, report(diagnostic).as_ref()) {
            Ok(()) => eprintln!("{text}"),
            Err(_) => eprintln!("{}", printable(&diagnostic.to_string())),
        }
    }
    let count = diagnostics.list().len();
    if count > 1 {
        eprintln!("{} {count} mistakes", error_word());
    }
}

fn report(diagnostic: &Diagnostic) -> miette::Report {
    let source = &diagnostic.source;
    let place = format!(
        "{}:{}:{}",
        source.name(),
        diagnostic.line,
        diagnostic.column
    );
    let mut described = MietteDiagnostic::new(printable(&diagnostic.full_message()).into_owned())
        .with_code(diagnostic.code)
        .with_help(printable(&diagnostic.help).into_owned());
    if let Some(span) = &diagnostic.span {
        described = described.with_label(LabeledSpan::new_with_span(
            Some("here".to_owned()),
            span.clone(),
        ));
    } else {
        described.message = format!("{place}: {}", described.message);
    }
    let text = printable(source.text()).into_owned();
    miette::Report::new(described).with_source_code(NamedSource::new(source.name(), text))
}
