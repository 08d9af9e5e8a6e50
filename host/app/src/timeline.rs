//! Times and entries as other programs read them: the ledger's milliseconds as RFC 3339, an entry
//! as one line of JSON.
//!
//! Never: another form of an entry in a file than on standard output.

use remit_core::durable::Entry;
use serde::Serialize;

use crate::exit::Stop;

/// The host's clock, in milliseconds since 1970 as the ledger counts them.
pub(crate) fn now_ms() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0)
}

/// RFC 3339 in UTC with milliseconds.
pub(crate) fn rfc3339(ms: u64) -> String {
    let time = i64::try_from(ms)
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .unwrap_or(jiff::Timestamp::MAX);
    format!("{time:.3}")
}

#[derive(Serialize)]
struct Timed<'a> {
    time: String,
    #[serde(flatten)]
    entry: &'a Entry,
}

/// An entry as one line of JSON, with its time in words; without the line's end.
///
/// # Errors
/// It is no JSON, which is a fault of remit.
pub(crate) fn json_line(entry: &Entry) -> Result<String, Stop> {
    let timed = Timed {
        time: rfc3339(entry.at_ms),
        entry,
    };
    serde_json::to_string(&timed).map_err(|error| Stop::Internal(error.into()))
}

#[cfg(test)]
mod tests {
    use remit_core::durable::{LEDGER_FORMAT, LedgerEvent};

    use super::*;

    #[test]
    fn an_entry_keeps_its_form_and_gets_a_time() {
        let entry = Entry {
            v: LEDGER_FORMAT,
            seq: 7,
            at_ms: 1_700_000_000_123,
            run: Some("r".parse().unwrap()),
            task: Some("t".parse().unwrap()),
            task_seq: 2,
            event: LedgerEvent::TaskReady,
        };
        let line = json_line(&entry).unwrap();
        assert_eq!(
            line,
            "{\"time\":\"2023-11-14T22:13:20.123Z\",\"v\":1,\"seq\":7,\"at-ms\":1700000000123,\
             \"run\":\"r\",\"task\":\"t\",\"task-seq\":2,\"event\":\"TASK_READY\"}"
        );
        assert_eq!(serde_json::from_str::<Entry>(&line).unwrap(), entry);
    }
}
