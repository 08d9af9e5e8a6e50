//! The frame of the binary format: a header, then sections, in modules and components alike.
//!
//! A section is an identifier, a length and that many bytes; some hold a whole module or component
//! again. This is all that is needed to find or replace a custom section, and it costs
//! microseconds. What a section means is read elsewhere, by `wasmparser`.
//! Never: trust in a length before it is compared with what is left.

use std::ops::Range;

use wasmparser::BinaryReader;

use crate::error::InspectError;

/// How deep components may lie in components. Composing tools nest two or three deep.
pub const MAX_NESTING: usize = 32;

/// Bytes of magic number and version.
pub(crate) const HEADER: usize = 8;

const MAGIC: &[u8] = b"\0asm";
const MODULE: &[u8] = &[0x01, 0x00, 0x00, 0x00];
const COMPONENT: &[u8] = &[0x0d, 0x00, 0x01, 0x00];

/// How many bytes of an unknown file a message shows.
const SHOWN: usize = 8;

/// Section identifiers of the format that matter here.
pub(crate) mod id {
    /// In both: a custom section.
    pub(crate) const CUSTOM: u8 = 0;
    /// In a component: a core module.
    pub(crate) const CORE_MODULE: u8 = 1;
    /// In a component: a component.
    pub(crate) const COMPONENT: u8 = 4;
    /// In a module: function bodies.
    pub(crate) const CODE: u8 = 10;
    /// In a module: data.
    pub(crate) const DATA: u8 = 11;
}

/// The two things that a binary can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Module,
    Component,
}

/// Reads the header.
///
/// # Errors
/// It is not the header of a module or component; says what it is instead.
pub(crate) fn encoding(bytes: &[u8]) -> Result<Encoding, InspectError> {
    if bytes.is_empty() {
        return Err(InspectError::Empty);
    }
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        return Err(not_wasm(bytes));
    };
    match rest.get(..HEADER - MAGIC.len()) {
        Some(MODULE) => Ok(Encoding::Module),
        Some(COMPONENT) => Ok(Encoding::Component),
        Some(version) => Err(InspectError::UnknownVersion(hex(version))),
        None => Err(InspectError::Malformed {
            offset: bytes.len(),
            message: "the file ends within its header".into(),
        }),
    }
}

/// Says what a file is that is not WebAssembly.
fn not_wasm(bytes: &[u8]) -> InspectError {
    if bytes.starts_with(b"\x7fELF") {
        return InspectError::Elf;
    }
    // Only the beginning: a large file need not be read to its end to be called text.
    let head = bytes.get(..4096).unwrap_or(bytes);
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // Cut within a character, which says nothing against it.
        Err(e) if e.error_len().is_none() => {
            std::str::from_utf8(head.get(..e.valid_up_to()).unwrap_or_default()).unwrap_or_default()
        }
        Err(_) => return InspectError::NotWasm(hex(head.get(..SHOWN).unwrap_or(head))),
    };
    if text.is_empty() || text.contains('\0') {
        return InspectError::NotWasm(hex(head.get(..SHOWN).unwrap_or(head)));
    }
    let start = text.trim_start();
    let wat = ["(module", "(component", ";;", "(;", "(@"];
    if wat.iter().any(|word| start.starts_with(word)) {
        return InspectError::WasmText;
    }
    let line = start.lines().next().unwrap_or_default();
    let shown: String = line
        .chars()
        .filter(|c| !c.is_control())
        .take(SHOWN * 5)
        .collect();
    InspectError::Text(shown)
}

fn hex(bytes: &[u8]) -> String {
    let words: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    words.join(" ")
}

/// One section of a module or component.
#[derive(Debug, Clone)]
pub(crate) struct Section<'a> {
    pub(crate) id: u8,
    /// What is in it, without identifier and length.
    pub(crate) content: &'a [u8],
    /// Where the content is in the whole file.
    pub(crate) range: Range<usize>,
}

impl<'a> Section<'a> {
    /// Name and data, if it is a custom section with a readable name.
    pub(crate) fn custom(&self) -> Option<(&'a str, &'a [u8])> {
        if self.id != id::CUSTOM {
            return None;
        }
        let mut reader = BinaryReader::new(self.content, self.range.start);
        let name = reader.read_string().ok()?;
        let data = reader.read_bytes(reader.bytes_remaining()).ok()?;
        Some((name, data))
    }
}

/// The sections of one module or component, which starts at `base` of the whole file.
///
/// # Errors
/// As an item: a length that goes past the end. Nothing comes after it.
pub(crate) fn sections(
    bytes: &[u8],
    base: usize,
) -> impl Iterator<Item = Result<Section<'_>, InspectError>> {
    let body = bytes.get(HEADER..).unwrap_or_default();
    let mut reader = BinaryReader::new(body, base + HEADER);
    let mut failed = false;
    std::iter::from_fn(move || {
        if failed || reader.eof() {
            return None;
        }
        let section = next(&mut reader);
        failed = section.is_err();
        Some(section)
    })
}

fn next<'a>(reader: &mut BinaryReader<'a>) -> Result<Section<'a>, InspectError> {
    let id = reader.read_u8()?;
    let length = reader.read_var_u32()?;
    let start = reader.original_position();
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > reader.bytes_remaining() {
        return Err(InspectError::Malformed {
            offset: start,
            message: format!(
                "a section of {length} bytes begins here, but only {} are left",
                reader.bytes_remaining()
            ),
        });
    }
    let content = reader.read_bytes(length)?;
    Ok(Section {
        id,
        content,
        range: start..start + length,
    })
}

/// Something that is told of every section, also inside nested modules and components.
pub(crate) trait Visitor<'a> {
    /// One section of a module or component. `place` says of which.
    ///
    /// # Errors
    /// Ends the walk.
    fn section(&mut self, place: &Place, section: &Section<'a>) -> Result<(), InspectError>;
}

/// Where in a file a section is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Whether the section belongs to a module or a component.
    pub(crate) within: Encoding,
    /// Places of the nested modules and components on the way, each from 0 among its siblings.
    pub(crate) path: Vec<(Encoding, usize)>,
}

impl Place {
    /// Whether the section belongs to the file itself, not to something nested.
    pub(crate) fn is_top(&self) -> bool {
        self.path.is_empty()
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_top() {
            return f.write_str("the top level");
        }
        for (i, (encoding, number)) in self.path.iter().rev().enumerate() {
            let of = if i == 0 { "" } else { " of " };
            match encoding {
                Encoding::Module => write!(f, "{of}core module {number}")?,
                Encoding::Component => write!(f, "{of}component {number}")?,
            }
        }
        Ok(())
    }
}

/// Tells a visitor of every section, outer ones before the ones inside them.
///
/// # Errors
/// What the visitor says, a frame that is broken, or components nested too deep.
pub(crate) fn visit<'a>(
    bytes: &'a [u8],
    visitor: &mut impl Visitor<'a>,
) -> Result<(), InspectError> {
    let place = Place {
        within: encoding(bytes)?,
        path: Vec::new(),
    };
    visit_nested(bytes, 0, &place, visitor)
}

fn visit_nested<'a>(
    bytes: &'a [u8],
    base: usize,
    place: &Place,
    visitor: &mut impl Visitor<'a>,
) -> Result<(), InspectError> {
    let (mut modules, mut components) = (0, 0);
    for section in sections(bytes, base) {
        let section = section?;
        visitor.section(place, &section)?;
        let (expected, number) = match (place.within, section.id) {
            (Encoding::Component, id::CORE_MODULE) => (Encoding::Module, &mut modules),
            (Encoding::Component, id::COMPONENT) => (Encoding::Component, &mut components),
            (Encoding::Component | Encoding::Module, _) => continue,
        };
        let found = nested_encoding(&section)?;
        if found != expected {
            return Err(InspectError::Malformed {
                offset: section.range.start,
                message: "a module stands where a component should, or the reverse".into(),
            });
        }
        if place.path.len() >= MAX_NESTING {
            return Err(InspectError::TooDeep);
        }
        let mut inner = Place {
            within: expected,
            path: place.path.clone(),
        };
        inner.path.push((expected, *number));
        *number += 1;
        visit_nested(section.content, section.range.start, &inner, visitor)?;
    }
    Ok(())
}

/// As [`encoding`], for something inside a file: whatever is wrong is wrong with the file.
pub(crate) fn nested_encoding(section: &Section<'_>) -> Result<Encoding, InspectError> {
    encoding(section.content).map_err(|error| InspectError::Malformed {
        offset: section.range.start,
        message: format!("a nested module or component: {error}"),
    })
}
