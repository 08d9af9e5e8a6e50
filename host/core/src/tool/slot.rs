//! The types of slots: which values may stand in an argument.
//!
//! Each type is an allowlist of values. A value is one argument whatever it holds; it is never
//! split, expanded or quoted. Never: a list of bad characters, an option.

use std::fmt;
use std::str::FromStr;

use super::scratch::{self, PLACE};
use crate::path::{PathError, RelPath};

/// Longest `ident` in bytes.
const MAX_IDENT: usize = 128;
/// Longest `rev` in bytes.
const MAX_REV: usize = 201;
/// Most words of an `enum`; more is data, not a choice.
const MAX_WORDS: usize = 64;

/// What values a slot takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotType {
    /// `int:1..500`: a whole number in this range, both ends included, without a leading zero.
    Int {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
    },
    /// `enum:short|long`: one of these words.
    Enum(Vec<String>),
    /// `rev`: a revision by name or digits: `[A-Za-z0-9_][A-Za-z0-9_./-]{0,200}`, no `..`, no `//`.
    Rev,
    /// `relpath`: a path below the directory that the tool runs in, see [`RelPath`]; it must also
    /// lie below a directory that the plugin may read or write.
    RelPath,
    /// `ident`: a name: `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`, no `..`.
    Ident,
    /// `scratch`: a file of the attempt's scratch directory, by its name or as `directory/name`,
    /// names as `ident` up to 255 bytes. The argument is the absolute path at which the tool finds
    /// it.
    Scratch,
    /// `text`: anything without a NUL byte. Only after `--`, because it can look like an option.
    Text,
}

/// Why a text is not a slot type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotTypeError {
    /// No such type.
    #[error(
        "`{0}` is not a slot type; write int:a..b, enum:a|b, rev, relpath, ident, scratch or text"
    )]
    Unknown(String),
    /// The range of an `int` is missing or empty.
    #[error("`{0}` is not a range; write `int:1..500`, the smaller number first")]
    Range(String),
    /// The words of an `enum` are missing, odd, or too many.
    #[error(
        "`{0}` is not a choice; write `enum:short|long` with words of letters, digits and _ . + -, \
         none twice, a letter, digit or _ first"
    )]
    Words(String),
}

/// Why a value does not fit a slot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Not a number, or outside the range.
    #[error("write a whole number from {min} to {max}, without leading zeros")]
    Int {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
    },
    /// Not one of the words.
    #[error("write one of: {0}")]
    Word(String),
    /// Not a revision.
    #[error(
        "write a branch, tag or commit: letters, digits and _ . / -, at most {MAX_REV}, no `..`, no `-` first"
    )]
    Rev,
    /// Not a path below the workspace.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A path that a program would take for an option.
    #[error("the path begins with `-`, which programs take for an option; rename the file")]
    Dash,
    /// Not a name.
    #[error(
        "write a name: letters, digits and _ . -, at most {MAX_IDENT}, no `..`, no `-` or `.` first"
    )]
    Ident,
    /// Not a file of the scratch directory.
    #[error(
        "write the name of a file in the scratch directory, or `directory/name`: letters, digits \
         and _ . -, at most 255 bytes each, no `..`, no `-` or `.` first"
    )]
    Scratch,
    /// A NUL byte, which no argument can hold.
    #[error("remove the NUL byte; no argument can hold one")]
    Nul,
    /// Longer than one argument may be.
    #[error("the value has {size} bytes, the limit is {limit}; hand it over by a file or stdin")]
    TooLong {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
}

impl ValueError {
    /// A stable kebab-case word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Int { .. } => "not-in-range",
            Self::Word(_) => "not-a-choice",
            Self::Rev => "not-a-rev",
            Self::Path(error) => error.code(),
            Self::Dash => "leading-dash",
            Self::Ident => "not-an-ident",
            Self::Scratch => "not-a-scratch-file",
            Self::Nul => "nul",
            Self::TooLong { .. } => "too-long",
        }
    }
}

impl SlotType {
    /// Checks a value and gives the argument that stands for it. For `scratch`, [`PLACE`] stands
    /// in it for the directory.
    ///
    /// # Errors
    /// The value is not one of this type.
    pub fn check(&self, value: &str) -> Result<String, ValueError> {
        let limit = super::MAX_ARGUMENT_BYTES;
        if value.len() > limit {
            return Err(ValueError::TooLong {
                size: value.len(),
                limit,
            });
        }
        if value.contains('\0') {
            return Err(ValueError::Nul);
        }
        match self {
            Self::Int { min, max } => check_int(value, *min, *max),
            Self::Enum(words) if words.iter().any(|word| word == value) => Ok(value.to_owned()),
            Self::Enum(words) => Err(ValueError::Word(words.join(", "))),
            Self::Rev => {
                let fits = is_word(value, "_./-", MAX_REV)
                    && !value.starts_with(['.', '/', '-'])
                    && !value.contains("..")
                    && !value.contains("//");
                fits.then(|| value.to_owned()).ok_or(ValueError::Rev)
            }
            Self::RelPath => check_path(value),
            Self::Ident => {
                let fits = is_word(value, "_.-", MAX_IDENT)
                    && !value.starts_with(['.', '-'])
                    && !value.contains("..");
                fits.then(|| value.to_owned()).ok_or(ValueError::Ident)
            }
            Self::Scratch => scratch::is_file(value)
                .then(|| format!("{PLACE}/{value}"))
                .ok_or(ValueError::Scratch),
            Self::Text => Ok(value.to_owned()),
        }
    }

    /// Whether some value of this type begins with `-`, so that a program would take it for an
    /// option.
    #[must_use]
    pub fn can_begin_with_dash(&self) -> bool {
        match self {
            Self::Int { min, .. } => *min < 0,
            Self::Text => true,
            // The words of an enum are checked when it is parsed.
            Self::Enum(_) | Self::Rev | Self::RelPath | Self::Ident | Self::Scratch => false,
        }
    }

    /// Whether a value may follow fixed text in the same argument, as in `--max={n:int:1..5}`:
    /// the value must not be able to change what the fixed text means.
    #[must_use]
    pub(crate) fn may_follow(&self, prefix: &str) -> bool {
        match self {
            Self::Int { .. } | Self::Enum(_) | Self::Ident => true,
            // `--out={file:relpath}` is the same as `--out`, `file`; `../{file}` is another path.
            Self::RelPath => prefix.starts_with('-') && prefix.ends_with('='),
            // An absolute path, which means the same after `--out=`, `-o` and `@`, unless the text
            // makes another path of it.
            Self::Scratch => scratch::may_follow(prefix),
            Self::Rev | Self::Text => false,
        }
    }
}

/// Letters, digits and these others, at least one, at most `limit` bytes.
fn is_word(value: &str, others: &str, limit: usize) -> bool {
    (1..=limit).contains(&value.len())
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

fn check_int(value: &str, min: i64, max: i64) -> Result<String, ValueError> {
    match value.parse::<i64>() {
        // One spelling only: `007`, `+7` and `-0` mean something else to some programs.
        Ok(number) if (min..=max).contains(&number) && number.to_string() == value => {
            Ok(value.to_owned())
        }
        Ok(_) | Err(_) => Err(ValueError::Int { min, max }),
    }
}

fn check_path(value: &str) -> Result<String, ValueError> {
    let path = RelPath::parse(value)?;
    let text = path.as_str();
    if text.starts_with('-') {
        return Err(ValueError::Dash);
    }
    // `@file`, `:(glob)x`, `+cmd`, `~user` and the like mean more than a file to some programs;
    // `./@file` never does.
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    Ok(if text.starts_with(plain) {
        text.to_owned()
    } else {
        format!("./{text}")
    })
}

impl FromStr for SlotType {
    type Err = SlotTypeError;

    fn from_str(text: &str) -> Result<Self, SlotTypeError> {
        let (name, rest) = text
            .split_once(':')
            .map_or((text, None), |(name, rest)| (name, Some(rest)));
        match (name, rest) {
            ("int", rest) => {
                let refuse = || SlotTypeError::Range(text.to_owned());
                let (min, max) = rest
                    .and_then(|rest| rest.split_once(".."))
                    .ok_or_else(refuse)?;
                let min: i64 = min.parse().map_err(|_| refuse())?;
                let max: i64 = max.parse().map_err(|_| refuse())?;
                if min > max {
                    return Err(refuse());
                }
                Ok(Self::Int { min, max })
            }
            ("enum", rest) => {
                let words: Vec<String> = rest.unwrap_or("").split('|').map(str::to_owned).collect();
                let fits = |word: &String| {
                    is_word(word, "_.+-", MAX_IDENT) && !word.starts_with(['.', '+', '-'])
                };
                let twice = words
                    .iter()
                    .enumerate()
                    .any(|(at, word)| words.iter().take(at).any(|w| w == word));
                if words.len() > MAX_WORDS || twice || !words.iter().all(fits) {
                    return Err(SlotTypeError::Words(text.to_owned()));
                }
                Ok(Self::Enum(words))
            }
            ("rev", None) => Ok(Self::Rev),
            ("relpath", None) => Ok(Self::RelPath),
            ("ident", None) => Ok(Self::Ident),
            ("scratch", None) => Ok(Self::Scratch),
            ("text", None) => Ok(Self::Text),
            (_, _) => Err(SlotTypeError::Unknown(text.to_owned())),
        }
    }
}

impl fmt::Display for SlotType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int { min, max } => write!(f, "int:{min}..{max}"),
            Self::Enum(words) => write!(f, "enum:{}", words.join("|")),
            Self::Rev => f.write_str("rev"),
            Self::RelPath => f.write_str("relpath"),
            Self::Ident => f.write_str("ident"),
            Self::Scratch => f.write_str("scratch"),
            Self::Text => f.write_str("text"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: &str, good: &[(&str, &str)], bad: &[&str]) {
        let kind: SlotType = kind.parse().unwrap();
        for (value, argument) in good {
            assert_eq!(kind.check(value).unwrap(), *argument, "{kind} {value:?}");
        }
        for value in bad {
            assert!(kind.check(value).is_err(), "{kind} {value:?}");
        }
        let dash = ["-x", "--", "-"]
            .iter()
            .any(|value| kind.check(value).is_ok());
        assert!(!dash || kind.can_begin_with_dash());
    }

    #[test]
    fn values_from_a_list_or_range() {
        check(
            "int:1..500",
            &[("1", "1"), ("500", "500")],
            &[
                "0",
                "501",
                "",
                "-1",
                "+1",
                "01",
                "1 ",
                "1.0",
                "0x1",
                "99999999999999999999",
                "1\n",
            ],
        );
        check(
            "int:-5..5",
            &[("-5", "-5"), ("0", "0")],
            &["-0", "-6", "--5"],
        );
        check(
            "enum:short|full",
            &[("short", "short")],
            &["shor", "SHORT", "", "short|full", "-x"],
        );
    }

    #[test]
    fn values_by_shape() {
        check(
            "rev",
            &[
                ("HEAD", "HEAD"),
                ("main", "main"),
                ("v1.0", "v1.0"),
                ("feature/x-y", "feature/x-y"),
            ],
            &[
                "",
                "-x",
                "--all",
                "a..b",
                "HEAD@{1}",
                "HEAD~1",
                "a b",
                "a\nb",
                ".x",
                "/x",
                "a//b",
                "main:secret",
                "^main",
                ":/x",
                "$(id)",
                "`id`",
            ],
        );
        check(
            "relpath",
            &[
                ("src/a b.rs", "src/a b.rs"),
                (".", "."),
                ("./x//y/", "x/y"),
                (":(glob)**", "./:(glob)**"),
                ("@x", "./@x"),
                ("~/x", "./~/x"),
                ("$(id)", "./$(id)"),
                ("ä", "ä"),
                (".git", ".git"),
            ],
            &[
                "",
                "-x",
                "./-x",
                "../x",
                "/etc/passwd",
                "a/../b",
                "a\0b",
                "C:\\x",
            ],
        );
        check(
            "ident",
            &[
                ("test_x", "test_x"),
                ("tests.core.Case", "tests.core.Case"),
                ("a-b", "a-b"),
            ],
            &[
                "", "-x", ".x", "a..b", "a/b", "a b", "a;b", "a=b", "a:b", "@x", "a\n",
            ],
        );
        check("text", &[("-x $(id)\n", "-x $(id)\n"), ("", "")], &["a\0b"]);
    }

    #[test]
    fn values_that_name_a_file_of_the_scratch_directory() {
        check(
            "scratch",
            &[
                ("prompt.md", "{scratch}/prompt.md"),
                ("out/a.xml", "{scratch}/out/a.xml"),
            ],
            &["", "-x", "/x", "../x", "a/b/c", ".x", "a b", "{scratch}/x"],
        );
    }

    #[test]
    fn a_value_is_never_longer_than_an_argument() {
        let long = "x".repeat(super::super::MAX_ARGUMENT_BYTES + 1);
        assert_eq!(SlotType::Text.check(&long).unwrap_err().code(), "too-long");
    }

    #[test]
    fn types_that_make_no_sense_are_refused() {
        for text in [
            "",
            "string",
            "file",
            "int",
            "int:",
            "int:5",
            "int:5..1",
            "int:a..b",
            "int:1..",
            "enum",
            "enum:",
            "enum:a|",
            "enum:a|a",
            "enum:-x",
            "enum:a b",
            "rev:1",
            "text:9",
            "relpath ",
            "INT:1..2",
            "scratch:x",
        ] {
            assert!(text.parse::<SlotType>().is_err(), "{text}");
        }
    }
}
