//! What a file says of itself: name, version, authors, licences, and what made it.
//!
//! All of it is a claim by whoever built the file, and none of it is checked. A section of this
//! kind that cannot be read is a note in the report, not an error: it changes nothing about what
//! the file does. Never: a decision that rests on it.

use serde::Serialize;
use wasmparser::{BinaryReader, ComponentName, ComponentNameSectionReader, ProducersSectionReader};

use crate::sections::{Encoding, Section};

/// Longest text that is taken over from one metadata section, in bytes.
const MAX_TEXT: usize = 4 << 10;

/// Most producers that are taken over. Usual files have three to six.
const MAX_PRODUCERS: usize = 64;

/// A tool or language that had a part in making the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Producer {
    /// Its part, for example `language`, `processed-by` or `sdk`.
    pub field: String,
    /// Its name.
    pub name: String,
    /// Its version; may be empty.
    pub version: String,
}

/// What a file says of itself. Unchecked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Metadata {
    /// Name of the component.
    pub name: Option<String>,
    /// Version of the packaged software.
    pub version: Option<String>,
    /// One line or more for people.
    pub description: Option<String>,
    /// Who wrote it.
    pub authors: Option<String>,
    /// Licences, usually an SPDX expression.
    pub licenses: Option<String>,
    /// Where its source is.
    pub source: Option<String>,
    /// Where to read more.
    pub homepage: Option<String>,
    /// The commit that it was built from.
    pub revision: Option<String>,
    /// What made it: the file's own sections first, then those of its core modules.
    pub producers: Vec<Producer>,
    /// Metadata sections that could not be read, and why.
    pub unreadable: Vec<String>,
}

impl Metadata {
    /// Takes over what a custom section says, if it is one of this kind. Texts count only at the
    /// top level; what made a nested module made the file.
    pub(crate) fn read(&mut self, top: bool, within: Encoding, section: &Section<'_>) {
        let Some((name, data)) = section.custom() else {
            return;
        };
        let reader = || BinaryReader::new(data, section.range.end - data.len());
        let read = match (name, within) {
            ("producers", _) => self.read_producers(reader()),
            ("component-name", Encoding::Component) if top => self.read_name(reader()),
            (_, _) if top => self.read_text(name, data),
            (_, _) => Ok(()),
        };
        if let Err(reason) = read
            && self.unreadable.len() < MAX_PRODUCERS
        {
            self.unreadable.push(format!("{}: {reason}", shorten(name)));
        }
    }

    fn read_text(&mut self, name: &str, data: &[u8]) -> Result<(), String> {
        let place = match name {
            "version" => &mut self.version,
            "description" => &mut self.description,
            "authors" => &mut self.authors,
            "licenses" => &mut self.licenses,
            "source" => &mut self.source,
            "homepage" => &mut self.homepage,
            "revision" => &mut self.revision,
            _ => return Ok(()),
        };
        let text = std::str::from_utf8(data).map_err(|e| e.to_string())?;
        *place = Some(shorten(text));
        Ok(())
    }

    fn read_name(&mut self, reader: BinaryReader<'_>) -> Result<(), String> {
        for part in ComponentNameSectionReader::new(reader) {
            if let ComponentName::Component { name, .. } = part.map_err(|e| e.to_string())? {
                self.name = Some(shorten(name));
            }
        }
        Ok(())
    }

    fn read_producers(&mut self, reader: BinaryReader<'_>) -> Result<(), String> {
        let fields = ProducersSectionReader::new(reader).map_err(|e| e.to_string())?;
        for field in fields {
            let field = field.map_err(|e| e.to_string())?;
            for value in field.values {
                let value = value.map_err(|e| e.to_string())?;
                let producer = Producer {
                    field: shorten(field.name),
                    name: shorten(value.name),
                    version: shorten(value.version),
                };
                if self.producers.len() < MAX_PRODUCERS && !self.producers.contains(&producer) {
                    self.producers.push(producer);
                }
            }
        }
        Ok(())
    }
}

/// A text, cut at a character boundary if it is longer than anyone would read.
fn shorten(text: &str) -> String {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}
