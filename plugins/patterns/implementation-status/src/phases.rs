//! A report of phases in Markdown, as somebody wrote it: headings with a state, a table of hours,
//! lists of files.
//!
//! Never: a number that is not in the text.

/// Most phases and files per phase that are read: the known report has four and sixteen.
const MOST_PHASES: usize = 100;
const MOST_FILES: usize = 1_000;

/// What a report says of one phase; `Total` is one.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Phase {
    /// `1`, `2`, …, or `total`.
    pub(crate) name: String,
    pub(crate) status: Option<String>,
    pub(crate) claimed_percent: Option<u64>,
    pub(crate) hours: Option<(f64, f64)>,
    pub(crate) files_claimed: Option<u64>,
    pub(crate) files: Vec<String>,
}

/// Reads a report; phases come in the order in which they are first named, the total last.
pub(crate) fn parse(text: &str) -> Vec<Phase> {
    let mut phases = Phases::default();
    let mut listing: Option<String> = None;
    let mut columns: Option<Columns> = None;
    for line in text.lines() {
        let line = line.trim();
        if let Some(heading) = line.strip_prefix('#') {
            let heading = heading.trim_start_matches('#').trim();
            listing = phases.heading(heading);
            columns = None;
        } else if line.starts_with('|') {
            let cells: Vec<String> = line.trim_matches('|').split('|').map(plain).collect();
            match &columns {
                None => columns = Columns::of(&cells),
                Some(columns) => phases.row(columns, &cells),
            }
        } else {
            columns = None;
            if let (Some(name), Some(path)) = (&listing, numbered(line)) {
                phases.file(name, path);
            }
        }
    }
    let mut all = phases.0;
    all.sort_by_key(|phase| phase.name == TOTAL);
    all
}

const TOTAL: &str = "total";

/// Where the cells of a table are.
struct Columns {
    phase: usize,
    status: Option<usize>,
    time: Option<usize>,
    files: Option<usize>,
}

impl Columns {
    /// The columns, if these are the headings of a table of phases.
    fn of(cells: &[String]) -> Option<Self> {
        let find = |names: &[&str]| {
            cells
                .iter()
                .position(|cell| names.contains(&cell.to_lowercase().as_str()))
        };
        Some(Self {
            phase: find(&["phase"])?,
            status: find(&["status", "state"]),
            time: find(&["time", "hours"]),
            files: find(&["deliverables", "files"]),
        })
    }
}

#[derive(Default)]
struct Phases(Vec<Phase>);

impl Phases {
    fn named(&mut self, name: &str) -> Option<&mut Phase> {
        if let Some(at) = self.0.iter().position(|phase| phase.name == name) {
            return self.0.get_mut(at);
        }
        if self.0.len() == MOST_PHASES {
            return None;
        }
        self.0.push(Phase {
            name: name.to_owned(),
            ..Phase::default()
        });
        self.0.last_mut()
    }

    /// Takes in a heading; returns the phase whose files may be listed below it.
    fn heading(&mut self, heading: &str) -> Option<String> {
        let (name, rest) = phase_of(heading)?;
        let phase = self.named(&name)?;
        let rest = plain(rest);
        if phase.claimed_percent.is_none() {
            phase.claimed_percent = percent(&rest);
        }
        if let Some(files) = counted(&rest) {
            phase.files_claimed.get_or_insert(files);
            return Some(name);
        }
        None
    }

    fn row(&mut self, columns: &Columns, cells: &[String]) {
        let cell = |at: Option<usize>| at.and_then(|at| cells.get(at)).map(String::as_str);
        let first = cell(Some(columns.phase)).unwrap_or_default();
        let name = if first.eq_ignore_ascii_case(TOTAL) {
            TOTAL.to_owned()
        } else if let Some((name, _)) = phase_of(first) {
            name
        } else {
            return;
        };
        let status = cell(columns.status).unwrap_or_default().to_owned();
        let hours = cell(columns.time).and_then(hours);
        let files = cell(columns.files).and_then(leading_number);
        let Some(phase) = self.named(&name) else {
            return;
        };
        match percent(&status) {
            Some(said) => phase.claimed_percent = phase.claimed_percent.or(Some(said)),
            None if !status.is_empty() => phase.status = Some(status),
            None => {}
        }
        phase.hours = phase.hours.or(hours);
        phase.files_claimed = phase.files_claimed.or(files);
    }

    fn file(&mut self, name: &str, path: &str) {
        if let Some(phase) = self.named(name)
            && phase.files.len() < MOST_FILES
        {
            phase.files.push(path.to_owned());
        }
    }
}

/// A cell or heading without marks of emphasis and pictures.
fn plain(text: &str) -> String {
    let kept: String = text
        .chars()
        .filter(|one| one.is_ascii() && *one != '*' && *one != '`')
        .collect();
    kept.trim().to_owned()
}

/// The phase that a text begins with, after pictures and marks, and what follows: `PHASE 1 …`.
fn phase_of(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start_matches(|one: char| !one.is_ascii_alphanumeric());
    let word = text.get(..5)?;
    if !word.eq_ignore_ascii_case("phase") {
        return None;
    }
    let rest = text[5..].trim_start();
    let end = rest
        .find(|one: char| !(one.is_ascii_digit() || one == '.'))
        .unwrap_or(rest.len());
    let name = rest[..end].trim_end_matches('.');
    (!name.is_empty()).then(|| (name.to_owned(), &rest[end..]))
}

/// The number before the first `%`, if it is one of 0 to 100.
fn percent(text: &str) -> Option<u64> {
    let before = &text[..text.find('%')?];
    let start = before
        .rfind(|one: char| !one.is_ascii_digit())
        .map_or(0, |at| at + 1);
    before[start..].parse().ok().filter(|number| *number <= 100)
}

/// The number of `(14 files)`.
fn counted(text: &str) -> Option<u64> {
    let inside = text.split_once('(')?.1.split_once(')')?.0;
    let (number, what) = inside.split_once(' ')?;
    what.starts_with("file")
        .then(|| number.parse().ok())
        .flatten()
}

fn leading_number(text: &str) -> Option<u64> {
    let end = text
        .find(|one: char| !one.is_ascii_digit())
        .unwrap_or(text.len());
    text[..end].parse().ok()
}

/// Hours spent and planned of `~10h/37h`.
fn hours(text: &str) -> Option<(f64, f64)> {
    let number = |text: &str| -> Option<f64> {
        text.trim()
            .trim_start_matches('~')
            .trim_end_matches('h')
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite() && *number >= 0.0)
    };
    let (spent, planned) = text.split_once('/')?;
    Some((number(spent)?, number(planned)?))
}

/// The path of a line `3. some/path.ext`.
fn numbered(line: &str) -> Option<&str> {
    let (number, path) = line.split_once(". ")?;
    number.parse::<u32>().ok()?;
    let path = path.trim().trim_matches('`');
    let is_path = !path.contains(' ') && path.contains(['/', '.']);
    is_path.then_some(path)
}
