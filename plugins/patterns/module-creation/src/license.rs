//! The licenses that a new module can have, with their full texts.
//!
//! Never: an abridged text.

/// A license.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum License {
    Mit,
    Apache2,
    Gpl3,
    Bsd3,
}

impl License {
    pub(crate) const ALL: [(&'static str, Self); 4] = [
        ("MIT", Self::Mit),
        ("Apache-2.0", Self::Apache2),
        ("GPL-3.0", Self::Gpl3),
        ("BSD-3-Clause", Self::Bsd3),
    ];

    /// The identifier that package managers know. `GPL-3.0` is ambiguous and deprecated in SPDX;
    /// without a word about later versions it means this version only.
    pub(crate) fn spdx(self) -> &'static str {
        match self {
            Self::Mit => "MIT",
            Self::Apache2 => "Apache-2.0",
            Self::Gpl3 => "GPL-3.0-only",
            Self::Bsd3 => "BSD-3-Clause",
        }
    }

    /// The text, as a template.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Mit => include_str!("../templates/license/MIT.txt"),
            Self::Apache2 => include_str!("../templates/license/Apache-2.0.txt"),
            Self::Gpl3 => include_str!("../templates/license/GPL-3.0.txt"),
            Self::Bsd3 => include_str!("../templates/license/BSD-3-Clause.txt"),
        }
    }
}
