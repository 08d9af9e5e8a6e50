//! Takes instances and schemas of other systems, and explains what it made of them.
//!
//! Never: an adaptation without a note.
