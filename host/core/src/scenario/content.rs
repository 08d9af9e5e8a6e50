//! Bytes as a scenario writes them: a text, base64, a file beside it, or something that is repeated.
//!
//! Never: the bytes of a file, or a repeated text in full; whoever plays it makes them.

use base64::Engine as _;

use crate::document::Section;
use crate::quantity::ByteSize;

/// Most bytes that a repeated text can have together: far above every limit on output.
pub const MAX_REPEAT: ByteSize = ByteSize::mebibytes(64 << 10);

/// Bytes of a file or a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Exactly these.
    Bytes(Vec<u8>),
    /// What is in this file, relative to the scenario's own directory.
    From(String),
    /// A text over and over, until there are so many bytes; the last one may be cut.
    Repeat {
        /// The text; never empty.
        unit: Vec<u8>,
        /// How many bytes together.
        bytes: u64,
    },
}

impl Content {
    /// A text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}

/// Reads what stands under `key`.
pub(super) fn read(section: &mut Section<'_>, key: &str) -> Option<Content> {
    if !section.is_table(key) {
        return section.text(key).map(|text| Content::text(text.value));
    }
    let mut table = section.section(key)?;
    let content = read_table(&mut table);
    table.finish();
    content
}

/// Reads a table that is nothing but content.
fn read_table(table: &mut Section<'_>) -> Option<Content> {
    let count = ["base64", "from", "repeat"]
        .iter()
        .filter(|key| table.has(key))
        .count();
    let base64 = base64(table, "base64");
    let from = from(table, "from");
    let repeat = table.text("repeat");
    let bytes = table.parsed::<ByteSize>("bytes", "bad-size");
    let fits = match &repeat {
        None => bytes.is_none(),
        Some(unit) => !unit.value.is_empty() && table.has("bytes"),
    };
    if count != 1 || !fits {
        table.problems().report(
            table.span(),
            "bad-content",
            "this is not one content",
            "write a text, { base64 = \"…\" }, { from = \"file\" } or { repeat = \"text\", bytes = \"1MiB\" }",
        );
        return None;
    }
    let Some(unit) = repeat else {
        return base64.or(from);
    };
    let bytes = bytes?;
    if bytes.value > MAX_REPEAT {
        let message = format!("`bytes` is {}, the limit is {MAX_REPEAT}", bytes.value);
        table
            .problems()
            .report(&bytes.span, "too-large", message, "write less");
        return None;
    }
    Some(Content::Repeat {
        unit: unit.value.as_bytes().to_vec(),
        bytes: bytes.value.get(),
    })
}

/// Bytes in base64.
pub(super) fn base64(section: &mut Section<'_>, key: &str) -> Option<Content> {
    let text = section.text(key)?;
    match base64::engine::general_purpose::STANDARD.decode(text.value) {
        Ok(bytes) => Some(Content::Bytes(bytes)),
        Err(error) => {
            let message = format!("`{key}` is not base64: {error}");
            section.problems().report(
                &text.span,
                "bad-base64",
                message,
                "write RFC 4648 base64 with padding",
            );
            None
        }
    }
}

/// The name of a file beside the scenario.
pub(super) fn from(section: &mut Section<'_>, key: &str) -> Option<Content> {
    beside(section, key).map(Content::From)
}

/// A path below the scenario's own directory.
pub(super) fn beside(section: &mut Section<'_>, key: &str) -> Option<String> {
    let path = section.parsed::<crate::path::RelPath>(key, "bad-path")?;
    Some(path.value.to_string())
}
