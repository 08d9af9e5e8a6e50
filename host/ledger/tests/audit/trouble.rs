//! A disk that refuses while a run goes on, and what a watcher keeps.

use std::fs;
use std::sync::Arc;

use remit_core::audit::Entry;
use remit_core::event::{Event, Level, LogSource, Payload, Stream};
use remit_core::outcome::{FaultKind, Outcome};
use remit_engine::journal::{Clock, Journal};
use remit_ledger::{AuditWatcher, Trouble};
use serde_json::json;

use crate::place::{Place, RUN, TIME, append, lasting};

fn refused(code: &str) -> Event {
    Event::ToolRefused {
        tool: "git".into(),
        template: "status".into(),
        code: code.into(),
        message: "no".into(),
    }
}

fn journal(place: &Place) -> (Journal, Trouble) {
    let watcher = AuditWatcher::new(place.writer());
    let trouble = watcher.trouble();
    let clock: Clock = Arc::new(|| TIME.into());
    let journal = Journal::start(RUN.into(), clock, vec![Box::new(watcher)]).unwrap();
    (journal, trouble)
}

#[tokio::test]
async fn what_could_not_be_written_is_told_at_the_end_and_in_the_log() {
    let place = Place::new();
    append(&mut place.writer(), &lasting()).unwrap();
    let (journal, trouble) = journal(&place);
    let aside = place.directory().with_extension("aside");
    fs::rename(place.directory(), &aside).unwrap();
    fs::write(place.directory(), "in the way").unwrap();
    for code in ["one", "two"] {
        journal.emit(refused(code)).await;
    }
    journal.flush().await;
    let said = trouble.said().unwrap();
    assert!(said.contains("state/audit"), "{said}");

    fs::remove_file(place.directory()).unwrap();
    fs::rename(&aside, place.directory()).unwrap();
    journal.emit(refused("three")).await;
    journal.flush().await;
    let entries: Vec<Entry> = place.lines().into_iter().map(|line| line.entry).collect();
    let lost = Entry::Lost {
        entries: 2,
        reason: said.clone(),
    };
    assert_eq!(entries[1], lost);
    assert_eq!(entries[2].word(), "refused");
    assert_eq!(place.found(), None);
    assert_eq!(trouble.said(), Some(said), "the first failure stays told");
}

#[tokio::test]
async fn neither_output_nor_inputs_nor_words_of_a_plugin_are_kept() {
    let place = Place::new();
    let (journal, trouble) = journal(&place);
    let canary = "secret-canary";
    journal
        .emit(Event::InputsAccepted {
            inputs: json!({"token": canary}),
        })
        .await;
    journal
        .emit(Event::ToolOutput {
            call: 1,
            stream: Stream::Stdout,
            payload: Payload::Text(canary.into()),
        })
        .await;
    journal
        .emit(Event::Log {
            level: Level::Info,
            source: LogSource::Plugin,
            message: canary.into(),
            fields: json!({"x": canary}),
        })
        .await;
    journal
        .emit(Event::RunFinished {
            outcome: Outcome::PluginFault {
                kind: FaultKind::Trap,
                message: canary.into(),
            },
            wall_ms: 1,
        })
        .await;
    journal.flush().await;
    assert_eq!(trouble.said(), None);
    assert_eq!(place.verify().entries, 1);
    for (path, bytes) in place.segments() {
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains(canary), "{}: {text}", path.display());
    }
}
