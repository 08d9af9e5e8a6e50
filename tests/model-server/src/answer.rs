//! An answer, before it is sent: one JSON value, or the events of a stream.
//!
//! Never: a word of one API; those are in the files that are named after them.

use serde_json::Value;

use crate::asked::{Api, Asked};
use crate::script::Step;
use crate::{chat, gemini, messages, responses};

/// The time that answers say they were made. Agents do not look at it, and a test can.
pub(crate) const CREATED: u64 = 1_700_000_000;

/// What is told of a text whose tokens are counted.
const COUNTED: u64 = 123;

/// What is sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// One JSON value.
    Whole(Value),
    /// Server-sent events.
    Stream(Vec<Event>),
}

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    /// Its name, where the API has names.
    pub(crate) name: Option<String>,
    /// Its data, one line.
    pub(crate) data: String,
}

impl Event {
    /// An event that has only data.
    pub(crate) fn data(value: &Value) -> Self {
        Self {
            name: None,
            data: value.to_string(),
        }
    }

    /// An event that is named after the type in its data.
    pub(crate) fn typed(value: &Value) -> Self {
        Self {
            name: value["type"].as_str().map(str::to_owned),
            data: value.to_string(),
        }
    }

    /// As it is sent.
    pub(crate) fn text(&self) -> String {
        match &self.name {
            Some(name) => format!("event: {name}\ndata: {}\n\n", self.data),
            None => format!("data: {}\n\n", self.data),
        }
    }
}

/// The answer to a request. `number` is another one for each request, so that no two answers share
/// an id.
pub(crate) fn answer(asked: &Asked, step: &Step, number: u64) -> Answer {
    match asked.api {
        Api::Chat => chat::answer(asked, step, number),
        Api::Responses => responses::answer(asked, step, number),
        Api::Messages => messages::answer(asked, step, number),
        Api::Gemini => gemini::answer(asked, step),
        Api::MessagesCount => Answer::Whole(serde_json::json!({ "input_tokens": COUNTED })),
        Api::GeminiCount => Answer::Whole(serde_json::json!({ "totalTokens": COUNTED })),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    /// The data of each event.
    pub(crate) fn datas(answer: &Answer) -> Vec<Value> {
        let Answer::Stream(events) = answer else {
            panic!("no stream: {answer:?}");
        };
        let data = |event: &Event| serde_json::from_str(&event.data).unwrap_or(json!(event.data));
        events.iter().map(data).collect()
    }

    /// A step with a text and a call.
    pub(crate) fn step() -> Step {
        Step {
            text: Some("I look.".to_owned()),
            tool: Some("Read".to_owned()),
            args: json!({"path": "a"}),
            ..Step::default()
        }
    }

    /// A request to this path.
    pub(crate) fn asked(path: &str, stream: bool) -> Asked {
        Asked::new(
            path,
            &json!({"model": "m", "stream": stream, "tools": [{}]}),
        )
        .unwrap()
    }

    #[test]
    fn an_event_is_a_name_and_a_line() {
        let value = json!({"type": "ping"});
        assert_eq!(
            Event::typed(&value).text(),
            "event: ping\ndata: {\"type\":\"ping\"}\n\n"
        );
        assert_eq!(Event::data(&value).text(), "data: {\"type\":\"ping\"}\n\n");
    }

    #[test]
    fn tokens_are_counted_where_an_agent_asks_for_that() {
        let count = |path: &str| answer(&asked(path, false), &step(), 0);
        let expected = Answer::Whole(json!({"input_tokens": COUNTED}));
        assert_eq!(count("/v1/messages/count_tokens"), expected);
        let expected = Answer::Whole(json!({"totalTokens": COUNTED}));
        assert_eq!(count("/v1beta/models/m:countTokens"), expected);
    }
}
