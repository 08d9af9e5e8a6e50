//! Anthropic messages.
//!
//! Source of the form: <https://docs.anthropic.com/en/api/messages>. Never: a field that no agent
//! reads.

use serde_json::{Value, json};

use crate::answer::{Answer, Event};
use crate::asked::Asked;
use crate::script::Step;

pub(crate) fn answer(asked: &Asked, step: &Step, number: u64) -> Answer {
    let text = step
        .text
        .iter()
        .map(|text| json!({ "type": "text", "text": text }));
    let calls = step.calls();
    let called = calls.iter().enumerate().map(|(index, call)| {
        json!({
            "type": "tool_use", "id": format!("toolu_{number}_{index}"), "name": call.name,
            "input": call.args,
        })
    });
    let blocks: Vec<Value> = text.chain(called).collect();
    let reason = if calls.is_empty() {
        "end_turn"
    } else {
        "tool_use"
    };
    let usage = json!({
        "input_tokens": step.usage.input, "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0, "output_tokens": step.usage.output,
    });
    let message = json!({
        "id": format!("msg_{number}"), "type": "message", "role": "assistant",
        "model": asked.model, "content": blocks, "stop_reason": reason, "stop_sequence": null,
        "usage": usage,
    });
    if asked.stream {
        Answer::Stream(stream(message, &blocks))
    } else {
        Answer::Whole(message)
    }
}

fn stream(message: Value, blocks: &[Value]) -> Vec<Event> {
    let (reason, usage) = (message["stop_reason"].clone(), message["usage"].clone());
    let mut begun = message;
    begun["content"] = json!([]);
    begun["stop_reason"] = Value::Null;
    // Tokens of the answer are counted while it is said.
    begun["usage"]["output_tokens"] = json!(1);
    let mut datas = vec![json!({ "type": "message_start", "message": begun })];
    for (index, block) in blocks.iter().enumerate() {
        let (empty, delta) = if block["type"] == "text" {
            let empty = json!({ "type": "text", "text": "" });
            (
                empty,
                json!({ "type": "text_delta", "text": block["text"] }),
            )
        } else {
            let mut empty = block.clone();
            empty["input"] = json!({});
            let input = block["input"].to_string();
            (
                empty,
                json!({ "type": "input_json_delta", "partial_json": input }),
            )
        };
        datas
            .push(json!({ "type": "content_block_start", "index": index, "content_block": empty }));
        datas.push(json!({ "type": "content_block_delta", "index": index, "delta": delta }));
        datas.push(json!({ "type": "content_block_stop", "index": index }));
    }
    datas.push(json!({
        "type": "message_delta", "delta": { "stop_reason": reason, "stop_sequence": null },
        "usage": usage,
    }));
    datas.push(json!({ "type": "message_stop" }));
    datas.iter().map(Event::typed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::tests::{asked, datas, step};

    #[test]
    fn an_answer_is_a_list_of_blocks() {
        let Answer::Whole(value) = answer(&asked("/v1/messages", false), &step(), 7) else {
            panic!("no stream was asked for");
        };
        assert_eq!(
            value["content"][0],
            json!({"type": "text", "text": "I look."})
        );
        assert_eq!(value["content"][1]["input"], json!({"path": "a"}));
        assert_eq!(value["stop_reason"], "tool_use");
        assert_eq!(value["usage"]["output_tokens"], 50);
    }

    #[test]
    fn a_stream_tells_each_block_and_then_why_it_ended() {
        let found = datas(&answer(&asked("/v1/messages", true), &step(), 7));
        let kinds: Vec<&str> = found
            .iter()
            .filter_map(|data| data["type"].as_str())
            .collect();
        let block = [
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
        ];
        let expected = [
            &["message_start"][..],
            &block,
            &block,
            &["message_delta", "message_stop"],
        ];
        assert_eq!(kinds, expected.concat());
        assert_eq!(found[0]["message"]["content"], json!([]));
        assert_eq!(found[4]["content_block"]["input"], json!({}));
        assert_eq!(found[5]["delta"]["partial_json"], r#"{"path":"a"}"#);
        assert_eq!(found[7]["delta"]["stop_reason"], "tool_use");
    }
}
