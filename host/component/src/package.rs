//! A plugin as one file: the component, and in custom sections its manifest, README, licence, and a
//! seal with the digest of each.
//!
//! A seal shows that something was lost or changed on the way. It proves nothing about who packed
//! it: for that the owner approves a digest. Never: a signature, a name that is taken on trust.

use remit_core::digest::Digest;
use remit_core::manifest::MANIFEST_SECTION;
use serde::Serialize;
use wasm_encoder::{ComponentSection as _, CustomSection};

use crate::error::{InspectError, PackError};
use crate::manifest::{extract_manifest, without};
use crate::sections::{self, Encoding, Place, Section, Visitor};

/// The section with the README, Markdown.
pub const README_SECTION: &str = "remit:readme";
/// The section with the licence's text.
pub const LICENCE_SECTION: &str = "remit:licence";
/// The section with the digests.
pub const SEAL_SECTION: &str = "remit:seal";

/// Every section that packing writes.
const OWN: [&str; 4] = [
    MANIFEST_SECTION,
    README_SECTION,
    LICENCE_SECTION,
    SEAL_SECTION,
];

/// Largest README or licence, in bytes. The longest licence in use has 35 KiB.
pub const MAX_PART: usize = 1 << 20;

/// What is packed around a component.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The manifest, checked before.
    pub manifest: &'a str,
    /// The README.
    pub readme: Option<&'a str>,
    /// The licence.
    pub licence: Option<&'a str>,
}

/// What a seal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seal {
    /// Everything is as it was packed.
    Intact,
    /// Something is not as it was packed.
    Broken,
}

/// What is packed around a component, beside its manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Package {
    /// The README, Markdown.
    pub readme: Option<String>,
    /// The licence's text.
    pub licence: Option<String>,
    /// What the seal says, if there is one.
    pub seal: Option<Seal>,
}

/// Packs a component with its parts, in place of every part that is there. Packing the same twice
/// gives the same bytes.
///
/// # Errors
/// The bytes are not a component, the frame is broken, or a part is too large.
pub fn package(bytes: &[u8], parts: &Parts<'_>) -> Result<Vec<u8>, PackError> {
    for (part, text) in [("README", parts.readme), ("licence", parts.licence)] {
        let bytes = text.map_or(0, str::len);
        if bytes > MAX_PART {
            return Err(PackError::PartTooLarge { part, bytes });
        }
    }
    if parts.manifest.len() > crate::manifest::MAX_MANIFEST {
        return Err(PackError::TooLarge {
            bytes: parts.manifest.len(),
        });
    }
    match sections::encoding(bytes)? {
        Encoding::Component => {}
        Encoding::Module => return Err(PackError::CoreModule),
    }
    let mut packed = without(bytes, &OWN)?;
    let seal = seal(&packed, parts);
    let mut add = |name: &str, text: &str| {
        let section = CustomSection {
            name: name.into(),
            data: text.as_bytes().into(),
        };
        section.append_to_component(&mut packed);
    };
    add(MANIFEST_SECTION, parts.manifest);
    if let Some(readme) = parts.readme {
        add(README_SECTION, readme);
    }
    if let Some(licence) = parts.licence {
        add(LICENCE_SECTION, licence);
    }
    add(SEAL_SECTION, &seal);
    Ok(packed)
}

/// The digests of everything, as text: what the seal holds.
fn seal(component: &[u8], parts: &Parts<'_>) -> String {
    let mut text = format!("component {}\n", Digest::of(component));
    let named = [
        ("manifest", Some(parts.manifest)),
        ("readme", parts.readme),
        ("licence", parts.licence),
    ];
    for (name, part) in named {
        if let Some(part) = part {
            text.push_str(&format!("{name} {}\n", Digest::of(part.as_bytes())));
        }
    }
    text
}

/// Reads what is packed around a component.
///
/// # Errors
/// The bytes are no component or module, the frame is broken, or a part is too large.
pub fn unpack(bytes: &[u8]) -> Result<Package, InspectError> {
    let mut parts = Found::default();
    sections::visit(bytes, &mut parts)?;
    let Found {
        readme,
        licence,
        seal: written,
    } = parts;
    let seal = match written {
        None => None,
        Some(written) => {
            let manifest = extract_manifest(bytes)?.map(|found| found.text);
            let again = Parts {
                manifest: manifest.as_deref().unwrap_or_default(),
                readme: readme.as_deref(),
                licence: licence.as_deref(),
            };
            let is_same = seal(&without(bytes, &OWN)?, &again) == written;
            Some(if is_same { Seal::Intact } else { Seal::Broken })
        }
    };
    Ok(Package {
        readme,
        licence,
        seal,
    })
}

/// The parts at the top level; of each the last, which is what packing writes.
#[derive(Default)]
struct Found {
    readme: Option<String>,
    licence: Option<String>,
    seal: Option<String>,
}

impl<'a> Visitor<'a> for Found {
    fn section(&mut self, place: &Place, section: &Section<'a>) -> Result<(), InspectError> {
        let Some((name, data)) = section.custom().filter(|_| place.is_top()) else {
            return Ok(());
        };
        let part = match name {
            README_SECTION => &mut self.readme,
            LICENCE_SECTION => &mut self.licence,
            SEAL_SECTION => &mut self.seal,
            _ => return Ok(()),
        };
        if data.len() > MAX_PART {
            return Err(InspectError::PartTooLarge {
                part: name.to_owned(),
                bytes: data.len(),
            });
        }
        *part = Some(String::from_utf8_lossy(data).into_owned());
        Ok(())
    }
}
