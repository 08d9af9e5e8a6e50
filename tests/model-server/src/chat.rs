//! OpenAI chat completions.
//!
//! Source of the form: <https://platform.openai.com/docs/api-reference/chat>. Never: a field that no
//! agent reads.

use serde_json::{Value, json};

use crate::answer::{Answer, CREATED, Event};
use crate::asked::Asked;
use crate::script::Step;

/// Characters of a text in one event.
const PIECE: usize = 40;

pub(crate) fn answer(asked: &Asked, step: &Step, number: u64) -> Answer {
    let id = format!("chatcmpl-{number}");
    let calls: Vec<Value> = step
        .calls()
        .iter()
        .enumerate()
        .map(|(index, call)| {
            json!({
                "id": format!("call_{number}_{index}"), "type": "function",
                "function": { "name": call.name, "arguments": call.args.to_string() },
            })
        })
        .collect();
    let reason = if calls.is_empty() {
        "stop"
    } else {
        "tool_calls"
    };
    let usage = json!({
        "prompt_tokens": step.usage.input, "completion_tokens": step.usage.output,
        "total_tokens": step.usage.input + step.usage.output,
    });
    if asked.stream {
        return stream(asked, step, &id, &calls, reason, &usage);
    }
    let mut message = json!({ "role": "assistant", "content": step.text });
    if !calls.is_empty() {
        message["tool_calls"] = json!(calls);
    }
    Answer::Whole(json!({
        "id": id, "object": "chat.completion", "created": CREATED, "model": asked.model,
        "choices": [{ "index": 0, "message": message, "finish_reason": reason }],
        "usage": usage,
    }))
}

fn stream(
    asked: &Asked,
    step: &Step,
    id: &str,
    calls: &[Value],
    reason: &str,
    usage: &Value,
) -> Answer {
    let chunk = |choices: Value, usage: Option<&Value>| {
        let mut chunk = json!({
            "id": id, "object": "chat.completion.chunk", "created": CREATED, "model": asked.model,
            "choices": choices,
        });
        if let Some(usage) = usage {
            chunk["usage"] = usage.clone();
        }
        Event::data(&chunk)
    };
    let delta = |delta: Value, reason: Option<&str>| {
        chunk(
            json!([{ "index": 0, "delta": delta, "finish_reason": reason }]),
            None,
        )
    };
    let mut events = vec![delta(json!({ "role": "assistant", "content": "" }), None)];
    let text: Vec<char> = step.text.iter().flat_map(|text| text.chars()).collect();
    for piece in text.chunks(PIECE) {
        events.push(delta(json!({ "content": String::from_iter(piece) }), None));
    }
    for (index, call) in calls.iter().enumerate() {
        let mut call = call.clone();
        call["index"] = json!(index);
        events.push(delta(json!({ "tool_calls": [call] }), None));
    }
    events.push(delta(json!({}), Some(reason)));
    events.push(chunk(json!([]), Some(usage)));
    events.push(Event {
        name: None,
        data: "[DONE]".to_owned(),
    });
    Answer::Stream(events)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::tests::{asked, datas, step};

    #[test]
    fn an_answer_has_a_message_with_its_calls_and_the_usage() {
        let Answer::Whole(value) = answer(&asked("/chat/completions", false), &step(), 7) else {
            panic!("no stream was asked for");
        };
        let choice = &value["choices"][0];
        assert_eq!(choice["finish_reason"], "tool_calls");
        assert_eq!(choice["message"]["content"], "I look.");
        let call = &choice["message"]["tool_calls"][0];
        assert_eq!(call["id"], "call_7_0");
        assert_eq!(call["function"]["arguments"], r#"{"path":"a"}"#);
        assert_eq!(value["usage"]["total_tokens"], 1_050);
    }

    #[test]
    fn a_stream_is_the_same_in_pieces_and_ends_with_done() {
        let mut long = step();
        long.text = Some("ä".repeat(PIECE + 1));
        let found = datas(&answer(&asked("/chat/completions", true), &long, 7));
        let text: Vec<&str> = found
            .iter()
            .filter_map(|data| data["choices"][0]["delta"]["content"].as_str())
            .collect();
        assert_eq!(text.concat(), "ä".repeat(PIECE + 1));
        assert_eq!(text.len(), 3, "an empty one, and two pieces");
        let calls = &found[3]["choices"][0]["delta"]["tool_calls"];
        assert_eq!(
            (&calls[0]["index"], &calls[0]["id"]),
            (&json!(0), &json!("call_7_0"))
        );
        let end = &found[found.len() - 3..];
        assert_eq!(end[0]["choices"][0]["finish_reason"], "tool_calls");
        assert_eq!(end[1]["usage"]["prompt_tokens"], 1_000);
        assert_eq!(end[2], "[DONE]");
    }

    #[test]
    fn without_calls_the_model_has_stopped() {
        let silent = Step {
            text: Some("Done.".to_owned()),
            ..Step::default()
        };
        let Answer::Whole(value) = answer(&asked("/chat/completions", false), &silent, 7) else {
            panic!("no stream was asked for");
        };
        assert_eq!(value["choices"][0]["finish_reason"], "stop");
        assert!(value["choices"][0]["message"].get("tool_calls").is_none());
    }
}
