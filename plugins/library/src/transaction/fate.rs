//! The words for what is done about a file that is there, and what became of it.
//!
//! Never: a third way; a file is written whole or left alone.

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was not there.
    Created,
    /// It was there and different, and was written anew.
    Replaced,
    /// It was there and stays.
    Kept,
}

/// What to do with a file that is there and differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Leave it alone.
    Keep,
    /// Write it anew.
    Replace,
}
