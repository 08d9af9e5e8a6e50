//! OpenAI responses.
//!
//! Source of the form: <https://platform.openai.com/docs/api-reference/responses>. Never: a field that
//! no agent reads.

use serde_json::{Value, json};

use crate::answer::{Answer, CREATED, Event};
use crate::asked::Asked;
use crate::script::Step;

/// Of the request's tokens, those that are told as cached.
const CACHED: u64 = 200;
/// Of the answer's tokens, those that are told as reasoning.
const REASONING: u64 = 10;

pub(crate) fn answer(asked: &Asked, step: &Step, number: u64) -> Answer {
    let items = items(step, number);
    let usage = json!({
        "input_tokens": step.usage.input,
        "input_tokens_details": { "cached_tokens": CACHED.min(step.usage.input) },
        "output_tokens": step.usage.output,
        "output_tokens_details": { "reasoning_tokens": REASONING.min(step.usage.output) },
        "total_tokens": step.usage.input + step.usage.output,
    });
    let response = json!({
        "id": format!("resp_{number}"), "object": "response", "created_at": CREATED,
        "status": "completed", "model": asked.model, "output": items, "usage": usage,
    });
    if !asked.stream {
        return Answer::Whole(response);
    }
    let mut begun = response.clone();
    begun["status"] = json!("in_progress");
    begun["output"] = json!([]);
    begun["usage"] = Value::Null;
    let mut datas = vec![json!({ "type": "response.created", "response": begun })];
    for (index, item) in items.iter().enumerate() {
        datas.extend(said(index, item));
    }
    datas.push(json!({ "type": "response.completed", "response": response }));
    let numbered = datas.into_iter().enumerate().map(|(number, mut data)| {
        data["sequence_number"] = json!(number);
        Event::typed(&data)
    });
    Answer::Stream(numbered.collect())
}

/// The message and the calls.
fn items(step: &Step, number: u64) -> Vec<Value> {
    let text = step.text.iter().map(|text| {
        json!({
            "type": "message", "id": format!("msg_{number}"), "role": "assistant",
            "status": "completed",
            "content": [{ "type": "output_text", "text": text, "annotations": [] }],
        })
    });
    let calls = step.calls().into_iter().enumerate().map(|(index, call)| {
        let call_id = format!("call_{number}_{index}");
        if call.custom {
            let input = call
                .args
                .as_str()
                .map_or_else(|| call.args.to_string(), str::to_owned);
            return json!({
                "type": "custom_tool_call", "id": format!("ctc_{number}_{index}"),
                "call_id": call_id, "name": call.name, "input": input, "status": "completed",
            });
        }
        let mut item = json!({
            "type": "function_call", "id": format!("fc_{number}_{index}"), "call_id": call_id,
            "name": call.name, "arguments": call.args.to_string(), "status": "completed",
        });
        if let Some(namespace) = call.namespace {
            item["namespace"] = json!(namespace);
        }
        item
    });
    text.chain(calls).collect()
}

/// The events of one item.
fn said(index: usize, item: &Value) -> Vec<Value> {
    let mut added = item.clone();
    let mut datas = Vec::new();
    if item["type"] == "message" {
        added["content"] = json!([]);
        added["status"] = json!("in_progress");
        let of = |kind: &str| json!({ "type": kind, "item_id": item["id"], "output_index": index, "content_index": 0 });
        let mut part = of("response.content_part.added");
        part["part"] = json!({ "type": "output_text", "text": "", "annotations": [] });
        let mut delta = of("response.output_text.delta");
        delta["delta"] = item["content"][0]["text"].clone();
        let mut done = of("response.output_text.done");
        done["text"] = item["content"][0]["text"].clone();
        let mut ended = of("response.content_part.done");
        ended["part"] = item["content"][0].clone();
        datas.extend([part, delta, done, ended]);
    }
    let item_event =
        |kind: &str, item: &Value| json!({ "type": kind, "output_index": index, "item": item });
    datas.insert(0, item_event("response.output_item.added", &added));
    datas.push(item_event("response.output_item.done", item));
    datas
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::tests::{asked, datas, step};

    #[test]
    fn an_answer_is_a_list_of_items() {
        let Answer::Whole(value) = answer(&asked("/responses", false), &step(), 7) else {
            panic!("no stream was asked for");
        };
        assert_eq!(value["status"], "completed");
        assert_eq!(value["output"][0]["content"][0]["text"], "I look.");
        assert_eq!(value["output"][1]["type"], "function_call");
        assert_eq!(value["output"][1]["arguments"], r#"{"path":"a"}"#);
        assert_eq!(
            value["usage"]["input_tokens_details"]["cached_tokens"],
            CACHED
        );
    }

    #[test]
    fn a_custom_tool_gets_a_text_and_a_tool_of_a_server_its_namespace() {
        let mut step = step();
        step.custom = true;
        step.args = json!("*** Begin Patch");
        let custom = &items(&step, 1)[1];
        assert_eq!(
            (&custom["type"], &custom["input"]),
            (&json!("custom_tool_call"), &step.args)
        );
        step.custom = false;
        step.namespace = Some("mcp__host".to_owned());
        assert_eq!(items(&step, 1)[1]["namespace"], "mcp__host");
    }

    #[test]
    fn a_stream_tells_each_item_and_then_the_whole() {
        let found = datas(&answer(&asked("/responses", true), &step(), 7));
        let kinds: Vec<&str> = found
            .iter()
            .filter_map(|data| data["type"].as_str())
            .collect();
        assert_eq!(
            kinds,
            [
                "response.created",
                "response.output_item.added",
                "response.content_part.added",
                "response.output_text.delta",
                "response.output_text.done",
                "response.content_part.done",
                "response.output_item.done",
                "response.output_item.added",
                "response.output_item.done",
                "response.completed",
            ]
        );
        let numbers: Vec<u64> = found
            .iter()
            .filter_map(|data| data["sequence_number"].as_u64())
            .collect();
        assert!(numbers.is_sorted() && numbers.len() == found.len());
        assert_eq!(
            found[1]["item"]["content"],
            json!([]),
            "an item begins empty"
        );
        assert_eq!(found[9]["response"]["usage"]["output_tokens"], 50);
    }
}
