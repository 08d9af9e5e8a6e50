//! What of a request decides about its answer: the API, and how far the agent is.
//!
//! Never: a judgement on whether the request is one that the real API would take.

use serde_json::Value;

/// In which words is asked and answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    /// OpenAI `/chat/completions`.
    Chat,
    /// OpenAI `/responses`.
    Responses,
    /// Anthropic `/messages`.
    Messages,
    /// Anthropic `/messages/count_tokens`.
    MessagesCount,
    /// Gemini `:generateContent` and `:streamGenerateContent`.
    Gemini,
    /// Gemini `:countTokens`.
    GeminiCount,
}

impl Api {
    /// The API that a path belongs to, whatever the base URL was.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let path = path.split('?').next().unwrap_or_default();
        [
            ("/chat/completions", Self::Chat),
            ("/responses", Self::Responses),
            ("/messages/count_tokens", Self::MessagesCount),
            ("/messages", Self::Messages),
            (":generateContent", Self::Gemini),
            (":streamGenerateContent", Self::Gemini),
            (":countTokens", Self::GeminiCount),
        ]
        .into_iter()
        .find_map(|(end, api)| path.ends_with(end).then_some(api))
    }
}

/// A request to the model.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) api: Api,
    /// The model that is asked for.
    pub(crate) model: String,
    /// Whether a stream is asked for.
    pub(crate) stream: bool,
    /// Whether tools are offered.
    pub(crate) tools: bool,
    /// How many tool results the request carries.
    pub(crate) results: usize,
    whole: String,
}

impl Asked {
    /// Reads a request; none if the path is of no API that is known here.
    pub(crate) fn new(path: &str, request: &Value) -> Option<Self> {
        let api = Api::of(path)?;
        let in_path = path
            .rsplit('/')
            .next()
            .and_then(|last| last.split(':').next());
        let named = request["model"].as_str();
        let stream = match api {
            Api::Gemini => path.contains(":streamGenerateContent"),
            Api::Chat | Api::Responses | Api::Messages => request["stream"] == true,
            Api::MessagesCount | Api::GeminiCount => false,
        };
        Some(Self {
            api,
            model: named.or(in_path).unwrap_or_default().to_owned(),
            stream,
            tools: list(&request["tools"]).next().is_some(),
            results: results(request),
            whole: request.to_string(),
        })
    }

    /// Whether a text occurs in the request's JSON.
    pub(crate) fn mentions(&self, text: &str) -> bool {
        self.whole.contains(text)
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The tool results of a request, in the form of each API.
fn results(request: &Value) -> usize {
    let blocks = |message: &Value| {
        list(&message["content"])
            .filter(|block| block["type"] == "tool_result")
            .count()
    };
    let messages = list(&request["messages"])
        .map(|message| usize::from(message["role"] == "tool") + blocks(message));
    let items = list(&request["input"]).filter(|item| {
        ["function_call_output", "custom_tool_call_output"]
            .iter()
            .any(|kind| item["type"] == *kind)
    });
    let parts = list(&request["contents"])
        .flat_map(|content| list(&content["parts"]))
        .filter(|part| part.get("functionResponse").is_some());
    messages.sum::<usize>() + items.count() + parts.count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_api_is_known_by_the_end_of_the_path() {
        for (path, api) in [
            ("/v1/chat/completions", Some(Api::Chat)),
            ("/responses", Some(Api::Responses)),
            ("/v1/messages?beta=true", Some(Api::Messages)),
            ("/v1/messages/count_tokens", Some(Api::MessagesCount)),
            (
                "/v1beta/models/m:streamGenerateContent?alt=sse",
                Some(Api::Gemini),
            ),
            ("/v1beta/models/m:countTokens", Some(Api::GeminiCount)),
            ("/v1/embeddings", None),
        ] {
            assert_eq!(Api::of(path), api, "{path}");
        }
    }

    #[test]
    fn tool_results_are_counted_in_the_form_of_each_api() {
        for (path, request, expected) in [
            (
                "/chat/completions",
                json!({"messages": [{"role": "user", "content": "a"}, {"role": "tool"}]}),
                1,
            ),
            (
                "/messages",
                json!({"messages": [{"role": "user", "content":
                    [{"type": "tool_result"}, {"type": "text"}, {"type": "tool_result"}]}]}),
                2,
            ),
            (
                "/responses",
                json!({"input": [{"type": "message"}, {"type": "function_call_output"},
                    {"type": "custom_tool_call_output"}]}),
                2,
            ),
            ("/responses", json!({"input": "a text"}), 0),
            (
                "/m:generateContent",
                json!({"contents": [{"parts": [{"functionResponse": {}}, {"text": "a"}]}]}),
                1,
            ),
        ] {
            let asked = Asked::new(path, &request).unwrap();
            assert_eq!(asked.results, expected, "{path}");
        }
    }

    #[test]
    fn the_model_is_named_in_the_body_or_in_the_path() {
        let asked = Asked::new("/v1/messages", &json!({"model": "a", "stream": true})).unwrap();
        assert_eq!(
            (asked.model.as_str(), asked.stream, asked.tools),
            ("a", true, false)
        );
        let asked = Asked::new("/v1beta/models/b:generateContent", &json!({})).unwrap();
        assert_eq!((asked.model.as_str(), asked.stream), ("b", false));
    }
}
