//! The manifest inside a component: a custom section, found and replaced without touching
//! anything else.
//!
//! `remit plugin pack` puts it at the top level. A Rust plugin's `#[link_section]` leaves it in a
//! nested core module, where the linker put it. Both count; if they differ, neither does.
//! Never: a reading of what the manifest says.

use remit_core::manifest::MANIFEST_SECTION;
use serde::Serialize;
use wasm_encoder::{ComponentSection as _, CustomSection, Encode as _};

use crate::error::{InspectError, PackError};
use crate::package::SEAL_SECTION;
use crate::sections::{self, Encoding, Place, Section, Visitor, id};

/// Largest manifest, in bytes. A long one has a hundred lines.
pub const MAX_MANIFEST: usize = 256 << 10;

/// A manifest that was found in a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct EmbeddedManifest {
    /// Its text, unread.
    pub text: String,
    /// Where it is, for people; more than one if it is there several times.
    pub places: Vec<String>,
}

/// Finds the manifest without looking at anything else: microseconds, also in a large file.
/// Nothing if there is none.
///
/// # Errors
/// The bytes are not a module or component, the frame is broken, or the manifest is too large,
/// not text, or there several times with different texts.
pub fn extract_manifest(bytes: &[u8]) -> Result<Option<EmbeddedManifest>, InspectError> {
    let mut finder = Finder::default();
    sections::visit(bytes, &mut finder)?;
    Ok(finder.found)
}

/// Collects the manifests on a walk through a file.
#[derive(Debug, Default)]
pub(crate) struct Finder {
    pub(crate) found: Option<EmbeddedManifest>,
}

impl<'a> Visitor<'a> for Finder {
    fn section(&mut self, place: &Place, section: &Section<'a>) -> Result<(), InspectError> {
        let Some((MANIFEST_SECTION, data)) = section.custom() else {
            return Ok(());
        };
        let place = place.to_string();
        if data.len() > MAX_MANIFEST {
            return Err(InspectError::ManifestTooLarge {
                place,
                bytes: data.len(),
            });
        }
        let text = std::str::from_utf8(data).map_err(|e| InspectError::ManifestNotText {
            place: place.clone(),
            valid: e.valid_up_to(),
        })?;
        match &mut self.found {
            None => {
                self.found = Some(EmbeddedManifest {
                    text: text.to_owned(),
                    places: vec![place],
                });
            }
            Some(known) if known.text == text => known.places.push(place),
            Some(known) => {
                return Err(InspectError::ManifestConflict {
                    first: known.places.join(" and "),
                    second: place,
                });
            }
        }
        Ok(())
    }
}

/// Puts a manifest into a component, at the top level and in place of every manifest that is there,
/// nested ones too. Everything else keeps its bytes and its order. Packing the same manifest twice
/// gives the same bytes.
///
/// The text is not read: parse it first.
///
/// # Errors
/// The bytes are not a component, the frame is broken, or the manifest is too large.
pub fn pack(bytes: &[u8], manifest: &str) -> Result<Vec<u8>, PackError> {
    if manifest.len() > MAX_MANIFEST {
        return Err(PackError::TooLarge {
            bytes: manifest.len(),
        });
    }
    match sections::encoding(bytes)? {
        Encoding::Component => {}
        Encoding::Module => return Err(PackError::CoreModule),
    }
    // A seal over another manifest would be a broken one.
    let mut packed = without(bytes, &[MANIFEST_SECTION, SEAL_SECTION])?;
    let section = CustomSection {
        name: MANIFEST_SECTION.into(),
        data: manifest.as_bytes().into(),
    };
    section.append_to_component(&mut packed);
    Ok(packed)
}

/// A module or component without the custom sections of these names, nested ones too. What is nested
/// is rewritten only if it holds one, so that an odd but valid encoding of a length stays as it is.
pub(crate) fn without(bytes: &[u8], names: &[&str]) -> Result<Vec<u8>, InspectError> {
    rewritten(bytes, names, 0, 0)
}

fn rewritten(
    bytes: &[u8],
    names: &[&str],
    base: usize,
    depth: usize,
) -> Result<Vec<u8>, InspectError> {
    if depth > sections::MAX_NESTING {
        return Err(InspectError::TooDeep);
    }
    let whole = sections::encoding(bytes)?;
    let mut out = Vec::with_capacity(bytes.len());
    let mut copied = sections::HEADER;
    out.extend_from_slice(bytes.get(..copied).unwrap_or_default());
    for section in sections::sections(bytes, base) {
        let section = section?;
        let end = section.range.end - base;
        let nested =
            whole == Encoding::Component && matches!(section.id, id::CORE_MODULE | id::COMPONENT);
        if section
            .custom()
            .is_some_and(|(name, _)| names.contains(&name))
        {
            // Left out, with its identifier and length.
        } else if nested {
            sections::nested_encoding(&section)?;
            let inner = rewritten(section.content, names, section.range.start, depth + 1)?;
            if inner.len() == section.content.len() {
                out.extend_from_slice(bytes.get(copied..end).unwrap_or_default());
            } else {
                out.push(section.id);
                inner.as_slice().encode(&mut out);
            }
        } else {
            out.extend_from_slice(bytes.get(copied..end).unwrap_or_default());
        }
        copied = end;
    }
    Ok(out)
}
