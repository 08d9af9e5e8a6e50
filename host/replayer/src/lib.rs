//! What the replayer plays, as bytes within its own binary.
//!
//! The package has two parts. This library writes a play into a copy of the program; the binary
//! `remit-replayer` plays what it finds in itself. So a stand-in is one file, needs no argument and
//! reads no other file: it works wherever a real tool would. Never: a shell, a script, a play from
//! outside of the program.

mod act;

pub use act::{Act, PlayError, decode, encode};

/// How many bytes a play may have: a long transcript of an agent has a tenth of it.
pub const CAPACITY: usize = 512 << 10;

/// What the place for the play begins with. It must not occur anywhere else in the program, so it
/// is put together where it is looked for.
const MARK: [&[u8]; 2] = [b"remit-replayer:", b"the-play-follows:"];

/// Length of the mark in bytes.
pub const MARK_LENGTH: usize = 32;

/// The mark as the binary holds it.
#[must_use]
pub fn mark() -> Vec<u8> {
    MARK.concat()
}

/// A copy of the program with this play in it.
///
/// # Errors
/// The play is too long, or the bytes are not the replayer's.
pub fn loaded(program: &[u8], acts: &[Act]) -> Result<Vec<u8>, PlayError> {
    let play = encode(acts);
    if play.len() > CAPACITY {
        return Err(PlayError::TooLong { bytes: play.len() });
    }
    let mark = mark();
    let place = program
        .windows(mark.len())
        .position(|window| window == mark)
        .ok_or(PlayError::NoPlace)?;
    let start = place + mark.len();
    let mut copy = program.to_vec();
    let end = start + play.len();
    match copy.get_mut(start..end) {
        Some(room) => room.copy_from_slice(&play),
        None => return Err(PlayError::NoPlace),
    }
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_has_its_length() {
        assert_eq!(mark().len(), MARK_LENGTH);
    }

    #[test]
    fn a_play_is_put_behind_the_mark_and_only_there() {
        let mut program = b"code".to_vec();
        program.extend(mark());
        program.extend(std::iter::repeat_n(0, CAPACITY));
        program.extend(b"more");
        let acts = [Act::Out(b"x".to_vec()), Act::Exit(3)];
        let copy = loaded(&program, &acts).unwrap();
        assert_eq!(copy.len(), program.len());
        assert!(copy.starts_with(b"code") && copy.ends_with(b"more"));
        assert_eq!(
            decode(&copy[4 + MARK_LENGTH..4 + MARK_LENGTH + CAPACITY]),
            acts
        );
        assert_eq!(loaded(b"something else", &acts), Err(PlayError::NoPlace));
        let long = [Act::Out(vec![0; CAPACITY])];
        assert!(matches!(
            loaded(&program, &long),
            Err(PlayError::TooLong { .. })
        ));
    }
}
