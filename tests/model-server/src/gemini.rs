//! Gemini `generateContent`.
//!
//! Source of the form: <https://ai.google.dev/api/generate-content>. Never: a field that no agent
//! reads.

use serde_json::{Value, json};

use crate::answer::{Answer, Event};
use crate::asked::Asked;
use crate::script::Step;

pub(crate) fn answer(asked: &Asked, step: &Step) -> Answer {
    let text = step.text.iter().map(|text| json!({ "text": text }));
    let calls = step
        .calls()
        .into_iter()
        .map(|call| json!({ "functionCall": { "name": call.name, "args": call.args } }));
    let parts: Vec<Value> = text.chain(calls).collect();
    let whole = json!({
        "candidates": [{
            "content": { "role": "model", "parts": parts }, "finishReason": "STOP", "index": 0,
        }],
        "usageMetadata": {
            "promptTokenCount": step.usage.input, "candidatesTokenCount": step.usage.output,
            "totalTokenCount": step.usage.input + step.usage.output,
        },
        "modelVersion": asked.model,
    });
    if asked.stream {
        Answer::Stream(vec![Event::data(&whole)])
    } else {
        Answer::Whole(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::tests::{asked, datas, step};

    #[test]
    fn an_answer_is_a_list_of_parts_and_a_stream_is_one_event_of_it() {
        let whole = answer(&asked("/models/m:generateContent", false), &step());
        let Answer::Whole(value) = &whole else {
            panic!("no stream was asked for");
        };
        let parts = &value["candidates"][0]["content"]["parts"];
        assert_eq!(parts[0], json!({"text": "I look."}));
        assert_eq!(parts[1]["functionCall"]["args"], json!({"path": "a"}));
        let found = datas(&answer(
            &asked("/models/m:streamGenerateContent", false),
            &step(),
        ));
        assert_eq!(found.as_slice(), std::slice::from_ref(value));
    }
}
