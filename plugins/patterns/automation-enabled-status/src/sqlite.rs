//! Counts the rows of one table of an SQLite file, from the file alone.
//!
//! The format is the one of <https://www.sqlite.org/fileformat.html>, versions 3.0 and later. No
//! tool and no lock is needed, and nothing can be written. Pages that only the write-ahead log has
//! are not seen, so the caller says when there is one. Never: a page that is read twice, a number
//! for a file that is not as the format says.

use std::collections::HashSet;
use std::io::{self, Read, Seek, SeekFrom};

/// The first bytes of every file of this format.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// Size of the header at the beginning of the first page.
const HEADER: usize = 100;
/// Most pages that are read: 100 000 pages of 4 KiB hold some ten million rows.
const MOST_PAGES: usize = 100_000;
/// Most bytes of one row of the table of tables: a `CREATE TABLE` of a screenful has 2 KiB.
const MOST_ROW: usize = 1 << 20;

/// Why rows were not counted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CountError {
    #[error("cannot read the file: {0}")]
    Io(#[from] io::Error),
    #[error("it is not an SQLite data base: {0}")]
    Format(&'static str),
    #[error("its text is not UTF-8, which is not read")]
    Encoding,
    #[error("more than {MOST_PAGES} pages would have to be read")]
    TooLarge,
}

/// What is known of a table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// It is not there.
    Missing,
    /// It is there, with this many rows.
    Rows(u64),
}

/// Looks for a table by its name, whatever the case of its letters, and counts its rows.
///
/// # Errors
/// The file cannot be read, or is not what it should be.
pub(crate) fn count(file: impl Read + Seek, table: &str) -> Result<Table, CountError> {
    let mut pages = Pages::open(file)?;
    let Some(root) = pages.root_of(table)? else {
        return Ok(Table::Missing);
    };
    pages.seen.clear();
    let mut rows = 0;
    pages.walk(root, &mut |_page, kind, cells| {
        // In the tree of a table without row numbers, inner pages hold rows, too.
        if matches!(kind, Kind::TableLeaf | Kind::IndexLeaf | Kind::IndexInner) {
            rows += u64::try_from(cells.len()).unwrap_or(u64::MAX);
        }
        Ok(())
    })?;
    Ok(Table::Rows(rows))
}

/// What a page of a tree holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    TableInner,
    TableLeaf,
    IndexInner,
    IndexLeaf,
}

impl Kind {
    fn of(byte: u8) -> Result<Self, CountError> {
        match byte {
            5 => Ok(Self::TableInner),
            13 => Ok(Self::TableLeaf),
            2 => Ok(Self::IndexInner),
            10 => Ok(Self::IndexLeaf),
            _ => Err(CountError::Format("a page is of no known kind")),
        }
    }

    fn is_inner(self) -> bool {
        match self {
            Self::TableInner | Self::IndexInner => true,
            Self::TableLeaf | Self::IndexLeaf => false,
        }
    }
}

/// The pages of a file.
struct Pages<F> {
    file: F,
    size: usize,
    /// Bytes of a page that hold content.
    usable: usize,
    seen: HashSet<u32>,
    read: usize,
}

/// What is done with each page: its bytes, what it is, and where its cells begin.
type Visit<'a> = &'a mut dyn FnMut(Vec<u8>, Kind, &[usize]) -> Result<(), CountError>;

impl<F: Read + Seek> Pages<F> {
    fn open(mut file: F) -> Result<Self, CountError> {
        let mut header = [0; HEADER];
        file.read_exact(&mut header).map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                CountError::Format("it is shorter than a header")
            } else {
                CountError::Io(error)
            }
        })?;
        if !header.starts_with(MAGIC) {
            return Err(CountError::Format("it begins with something else"));
        }
        let size = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            size if size >= 512 && size.is_power_of_two() => usize::from(size),
            _ => return Err(CountError::Format("its page size is none")),
        };
        let usable = size - usize::from(header[20]);
        if usable < 480 {
            return Err(CountError::Format("its pages have no room"));
        }
        // 0 in a file without content; 1 is UTF-8.
        if header[56..59] != [0, 0, 0] || header[59] > 1 {
            return Err(CountError::Encoding);
        }
        Ok(Self {
            file,
            size,
            usable,
            seen: HashSet::new(),
            read: 0,
        })
    }

    fn page(&mut self, number: u32) -> Result<Vec<u8>, CountError> {
        if number == 0 || !self.seen.insert(number) {
            return Err(CountError::Format("a page is linked twice, or not at all"));
        }
        self.read += 1;
        if self.read > MOST_PAGES {
            return Err(CountError::TooLarge);
        }
        let size = u64::try_from(self.size).unwrap_or(u64::MAX);
        self.file
            .seek(SeekFrom::Start(u64::from(number - 1) * size))?;
        let mut page = vec![0; self.size];
        self.file.read_exact(&mut page).map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                CountError::Format("it ends before one of its pages")
            } else {
                CountError::Io(error)
            }
        })?;
        Ok(page)
    }

    /// Visits every page of a tree.
    fn walk(&mut self, root: u32, visit: Visit<'_>) -> Result<(), CountError> {
        let mut waiting = vec![root];
        while let Some(number) = waiting.pop() {
            let page = self.page(number)?;
            let start = if number == 1 { HEADER } else { 0 };
            let kind = Kind::of(byte(&page, start)?)?;
            let count = usize::from(u16_at(&page, start + 3)?);
            let first = start + if kind.is_inner() { 12 } else { 8 };
            let mut cells = Vec::with_capacity(count.min(self.size));
            for index in 0..count {
                cells.push(usize::from(u16_at(&page, first + 2 * index)?));
            }
            if kind.is_inner() {
                for cell in &cells {
                    waiting.push(u32_at(&page, *cell)?);
                }
                waiting.push(u32_at(&page, start + 8)?);
            }
            visit(page, kind, &cells)?;
        }
        Ok(())
    }

    /// The first page of a table, if there is such a table.
    fn root_of(&mut self, table: &str) -> Result<Option<u32>, CountError> {
        let mut leaves = Vec::new();
        self.walk(1, &mut |page, kind, cells| {
            if kind == Kind::TableLeaf {
                leaves.push((page, cells.to_vec()));
            }
            Ok(())
        })?;
        for (page, cells) in leaves {
            for cell in cells {
                let row = self.row(&page, cell)?;
                if let Some(root) = root_in(&row, table)? {
                    return Ok(Some(root));
                }
            }
        }
        Ok(None)
    }

    /// The content of a row, with what overflowed to pages of its own.
    fn row(&mut self, page: &[u8], cell: usize) -> Result<Vec<u8>, CountError> {
        let (length, after) = varint(page, cell)?;
        let (_row_number, start) = varint(page, after)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > MOST_ROW {
            return Err(CountError::Format("a row of its table of tables is huge"));
        }
        let local = self.local(length);
        let mut row = slice(page, start, local)?.to_vec();
        if local < length {
            let mut next = u32_at(page, start + local)?;
            while row.len() < length && next != 0 {
                let more = self.page(next)?;
                let take = (length - row.len()).min(self.usable - 4);
                row.extend_from_slice(slice(&more, 4, take)?);
                next = u32_at(&more, 0)?;
            }
        }
        Ok(row)
    }

    /// How many bytes of a row are in its own page.
    fn local(&self, length: usize) -> usize {
        let most = self.usable - 35;
        if length <= most {
            return length;
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let wanted = least + (length - least) % (self.usable - 4);
        if wanted <= most { wanted } else { least }
    }
}

/// The first page that a row of the table of tables names, if it is the row of this table.
fn root_in(row: &[u8], table: &str) -> Result<Option<u32>, CountError> {
    // Columns: type, name, table name, root page, SQL.
    let (header, mut at) = varint(row, 0)?;
    let mut content = usize::try_from(header).unwrap_or(usize::MAX);
    let mut columns = [(0_u64, 0_usize); 4];
    for column in &mut columns {
        let (kind, next) = varint(row, at)?;
        *column = (kind, content);
        at = next;
        content = content.saturating_add(size_of(kind)?);
    }
    let text = |(kind, start): (u64, usize)| slice(row, start, size_of(kind)?);
    let [kind, name, _, (root_kind, root_at)] = columns;
    if text(kind)? != b"table" || !text(name)?.eq_ignore_ascii_case(table.as_bytes()) {
        return Ok(None);
    }
    let root = match root_kind {
        8 => 0,
        9 => 1,
        1..=6 => slice(row, root_at, size_of(root_kind)?)?
            .iter()
            .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte)),
        _ => return Err(CountError::Format("a table has no first page")),
    };
    match u32::try_from(root) {
        // Virtual tables have none.
        Ok(0) | Err(_) => Err(CountError::Format("the table keeps its rows elsewhere")),
        Ok(root) => Ok(Some(root)),
    }
}

/// How many bytes a value of this kind has.
fn size_of(kind: u64) -> Result<usize, CountError> {
    let size = match kind {
        0 | 8 | 9 => 0,
        1..=4 => kind,
        5 => 6,
        6 | 7 => 8,
        10 | 11 => return Err(CountError::Format("a value is of a reserved kind")),
        _ => (kind - 12) / 2,
    };
    Ok(usize::try_from(size).unwrap_or(usize::MAX))
}

const SHORT: CountError = CountError::Format("a page ends too early");

fn byte(page: &[u8], at: usize) -> Result<u8, CountError> {
    page.get(at).copied().ok_or(SHORT)
}

fn slice(page: &[u8], at: usize, length: usize) -> Result<&[u8], CountError> {
    let end = at.checked_add(length).ok_or(SHORT)?;
    page.get(at..end).ok_or(SHORT)
}

fn u16_at(page: &[u8], at: usize) -> Result<u16, CountError> {
    Ok(u16::from_be_bytes([byte(page, at)?, byte(page, at + 1)?]))
}

fn u32_at(page: &[u8], at: usize) -> Result<u32, CountError> {
    let high = u32::from(u16_at(page, at)?);
    Ok((high << 16) | u32::from(u16_at(page, at + 2)?))
}

/// A number of one to nine bytes, and where it ends.
fn varint(page: &[u8], at: usize) -> Result<(u64, usize), CountError> {
    /// The last byte of the longest form has eight bits of the number, all others seven.
    const LONGEST: usize = 9;
    let mut number = 0_u64;
    for index in 0..LONGEST {
        let byte = byte(page, at + index)?;
        if index == LONGEST - 1 {
            return Ok(((number << 8) | u64::from(byte), at + LONGEST));
        }
        number = (number << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Ok((number, at + index + 1));
        }
    }
    Err(SHORT)
}
