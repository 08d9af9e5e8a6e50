//! The attacker: tries to leave the confinement that it runs in, row by row, and says how far it
//! came.
//!
//! `remit-attacker ROW… [--OPTION=VALUE…]` tries rows, `remit-attacker all` every one, `portable`
//! those that need no prepared victim, `--list` prints the table. See the library for the options.
//!
//! Never: harm where nothing stops it. Files are only changed if they were named as victims, or in
//! a workspace that carries the mark; calls of which success would change the machine get arguments
//! with which they cannot succeed.

mod arguments;
mod capabilities;
mod carved;
mod control;
mod exhaustion;
mod files;
mod foreign;
mod identity;
mod kernel;
mod links;
mod modes;
mod neighbours;
mod network;
mod persistence;
mod processes;
mod report;
mod sys;

use std::io::Write as _;
use std::process::ExitCode;

use remit_attacker::{ROWS, Row};

use crate::arguments::{Arguments, Victims};
use crate::report::Report;

/// The first argument with which a copy of this program says who it is.
pub(crate) const WHO_AM_I: &str = "--who-am-i";

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|text| text.to_string_lossy().into_owned())
        .collect();
    match given.first().map(String::as_str) {
        Some("--list") => {
            list();
            return ExitCode::SUCCESS;
        }
        Some(WHO_AM_I) => {
            print(&identity::describe());
            return ExitCode::SUCCESS;
        }
        Some(_) | None => {}
    }
    let chosen = arguments::read(given.into_iter()).and_then(|arguments| {
        let rows = choose(&arguments)?;
        Ok((rows, arguments.victims))
    });
    match chosen {
        Ok((rows, victims)) => {
            for row in rows {
                attack(row, &victims);
            }
            ExitCode::SUCCESS
        }
        Err(message) => {
            drop(writeln!(std::io::stderr(), "{message}"));
            ExitCode::from(2)
        }
    }
}

/// The rows that were named.
fn choose(arguments: &Arguments) -> Result<Vec<&'static Row>, String> {
    let mut chosen = Vec::new();
    for name in &arguments.rows {
        match name.as_str() {
            "all" => chosen.extend(ROWS),
            "portable" => chosen.extend(ROWS.iter().filter(|row| row.portable)),
            name => chosen.push(
                remit_attacker::find(name).ok_or_else(|| format!("no row is called `{name}`"))?,
            ),
        }
    }
    if chosen.is_empty() {
        return Err("name a row, `all` or `portable`; `--list` shows them".to_owned());
    }
    Ok(chosen)
}

fn list() {
    for row in ROWS {
        let promised: Vec<&str> = row.promised.iter().map(|level| level.name()).collect();
        let (ids, promised) = (row.ids.join(","), promised.join(","));
        let kind = if row.portable { "portable" } else { "staged" };
        print(&format!(
            "{}\t{ids}\t{promised}\t{kind}\t{}\n",
            row.name, row.tries
        ));
    }
}

/// Writes to standard output; a reader that has gone is no error.
fn print(text: &str) {
    drop(std::io::stdout().write_all(text.as_bytes()));
}

/// Makes all attempts of a row.
fn attack(row: &Row, victims: &Victims) {
    let report = Report::of(row.name);
    match row.name {
        "control" => control::works(&report, victims),
        "outside-read" => files::read(&report, victims),
        "outside-list" => files::list(&report, victims),
        "outside-write" => files::write(&report, victims),
        "outside-metadata" => files::metadata(&report, victims),
        "outside-stat" => files::stat(&report, victims),
        "links" => links::follow(&report, victims),
        "loader" => links::load(&report, victims),
        "process-list" => processes::list(&report, victims),
        "process-files" => processes::files(&report, victims),
        "kernel-settings" => files::settings(&report),
        "kernel-tables" => files::tables(&report),
        "debug" => processes::debug(&report, victims),
        "signals" => neighbours::signal(&report, victims),
        "meddle" => neighbours::meddle(&report, victims),
        "sockets" => network::sockets(&report),
        "connect" => network::connect(&report, victims),
        "io-uring" => kernel::io_uring(&report),
        "foreign-calls" => foreign::calls(&report),
        "namespaces" => kernel::namespaces(&report),
        "mounts" => kernel::mounts(&report),
        "devices" => files::devices(&report, victims),
        "keys" => kernel::keys(&report),
        "kernel" => kernel::machine(&report),
        "handles" => files::handles(&report, victims),
        "terminal" => kernel::terminal(&report),
        "descriptors" => identity::descriptors(&report),
        "set-user-id" => identity::set_user_id(&report, victims),
        "privileged-files" => modes::privileged(&report, victims),
        "carved-out" => carved::reach(&report, victims),
        "no-new-privileges" => capabilities::no_new_privileges(&report),
        "capabilities" => capabilities::all_gone(&report),
        "capability-bounds" => capabilities::bounds(&report),
        "environment" => identity::environment(&report),
        "persistence" => persistence::plant(&report, victims),
        "nested" => kernel::nested(&report, victims),
        "descriptor-flood" => exhaustion::descriptors(&report),
        "file-size" => exhaustion::file_size(&report, victims),
        "processor-time" => exhaustion::processor_time(&report),
        "fork-bomb" => exhaustion::fork_bomb(&report, victims),
        "memory" => exhaustion::memory(&report),
        "temporary-space" => exhaustion::temporary_space(&report),
        "shared-memory" => neighbours::shared_memory(&report, victims),
        "leave-behind" => persistence::leave(&report, victims),
        "find-behind" => persistence::find(&report, victims),
        other => report.here("the row", || {
            report::nothing(&format!("`{other}` is only a name"))
        }),
    }
}
