//! One line of the attacker's report: `row`, what was tried and how it ended, between tabs.
//!
//! Never: a line that is taken for a verdict because it looks like one; what does not parse is no
//! attempt.

use std::fmt;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The system refused; the error's name.
    Denied(String),
    /// It worked; what was reached.
    Breached(String),
    /// There is nothing to try here; why.
    NotApplicable(String),
    /// Something that every tool may do worked.
    Works,
    /// Something that every tool may do was refused; the error's name.
    Broken(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(errno) => write!(f, "denied({errno})"),
            Self::Breached(what) => write!(f, "BREACHED({what})"),
            Self::NotApplicable(why) => write!(f, "not-applicable({why})"),
            Self::Works => f.write_str("works"),
            Self::Broken(errno) => write!(f, "BROKEN({errno})"),
        }
    }
}

impl Verdict {
    fn parse(text: &str) -> Option<Self> {
        if text == "works" {
            return Some(Self::Works);
        }
        let (word, rest) = text.split_once('(')?;
        let inside = rest.strip_suffix(')')?.to_owned();
        match word {
            "denied" => Some(Self::Denied(inside)),
            "BREACHED" => Some(Self::Breached(inside)),
            "not-applicable" => Some(Self::NotApplicable(inside)),
            "BROKEN" => Some(Self::Broken(inside)),
            _ => None,
        }
    }

    /// Whether this is what a confined tool should see.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self {
            Self::Denied(_) | Self::NotApplicable(_) | Self::Works => true,
            Self::Breached(_) | Self::Broken(_) => false,
        }
    }
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The name of the row that it belongs to.
    pub row: String,
    /// What was tried.
    pub what: String,
    /// How it ended.
    pub verdict: Verdict,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\t{}\t{}", self.row, self.what, self.verdict)
    }
}

impl Attempt {
    /// Reads a line of the report.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let mut parts = line.split('\t');
        let (row, what) = (parts.next()?, parts.next()?);
        let verdict = Verdict::parse(parts.next()?)?;
        if parts.next().is_some() {
            return None;
        }
        Some(Self {
            row: row.to_owned(),
            what: what.to_owned(),
            verdict,
        })
    }

    /// Reads a whole report; lines of anything else in it are left out.
    #[must_use]
    pub fn parse_all(report: &str) -> Vec<Self> {
        report.lines().filter_map(Self::parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read_back() {
        for verdict in [
            Verdict::Denied("EPERM".into()),
            Verdict::Breached("opened (again)".into()),
            Verdict::NotApplicable("no such thing".into()),
            Verdict::Works,
            Verdict::Broken("ENOENT".into()),
        ] {
            let attempt = Attempt {
                row: "row".into(),
                what: "read /x".into(),
                verdict,
            };
            assert_eq!(Attempt::parse(&attempt.to_string()), Some(attempt));
        }
    }

    #[test]
    fn other_lines_are_no_attempts() {
        for line in [
            "",
            "row",
            "row\twhat\tfine",
            "row\twhat\tdenied",
            "a\tb\tworks\td",
        ] {
            assert_eq!(Attempt::parse(line), None, "{line}");
        }
    }
}
