//! What goes wrong: a play as it is written, and as it is with a fault.
//!
//! Never: a fault that a real tool, or the machine below it, cannot have.

use std::time::Duration;

use remit_core::event::Stream;
use remit_core::scenario::{Content, End, ExpectedCall, Fault, Refusal, Step};
use remit_core::tool::{Exit, KillCause};

/// The signal that nobody can ignore.
const SIGKILL: u8 = 9;
/// How much a flood is.
const FLOOD: u64 = 1 << 30;
/// What is said over and over: as long as lines of a log are.
const FLOOD_LINE: &[u8] =
    b"warning: the same line again and again, as a tool writes it that cannot stop\n";
/// Bytes that are no UTF-8 in any place: a lone continuation, a byte that never occurs, a character
/// that is cut off.
const NOT_TEXT: &[u8] = b"\x80\xff caf\xc3\n";

/// A call with its fault built in, so that only the play has to be played.
#[must_use]
pub fn spoiled(call: &ExpectedCall) -> ExpectedCall {
    let mut call = call.clone();
    let Some(fault) = call.fault.take() else {
        return call;
    };
    match fault {
        Fault::ToolMissing => call.refuse = Some(Refusal::Missing),
        Fault::SpawnRefused => call.refuse = Some(Refusal::Spawn),
        Fault::KillMidLine => {
            call.play = half(&call.play);
            call.play.push(Step::End(End::Exit(Exit::Signal(SIGKILL))));
        }
        Fault::NotUtf8 => call.play = garbled(&call.play),
        Fault::Flood => {
            let flood = Content::Repeat {
                unit: FLOOD_LINE.to_vec(),
                bytes: FLOOD,
            };
            let place = first_output(&call.play);
            call.play.insert(place, Step::Output(Stream::Stdout, flood));
        }
        Fault::Orphan => ended(&mut call.play, KillCause::WallTimeout),
        Fault::IdleTimeout => {
            let place = first_output(&call.play);
            call.play.truncate(place);
            ended(&mut call.play, KillCause::IdleTimeout);
        }
        Fault::WallTimeout => {
            let place = first_output(&call.play);
            call.play.truncate(place);
            ended(&mut call.play, KillCause::WallTimeout);
        }
        Fault::SupervisorLost => {
            let place = first_output(&call.play);
            call.play.truncate(place);
            ended(&mut call.play, KillCause::SupervisorLost);
        }
        Fault::StdinClosed => {
            // What it would have waited for never comes.
            call.play
                .retain(|step| !matches!(step, Step::Await(_) | Step::AwaitEnd));
            call.play.insert(0, Step::CloseStdin);
        }
    }
    call
}

/// The place after the first output, or the place of the end.
fn first_output(play: &[Step]) -> usize {
    play.iter()
        .position(|step| matches!(step, Step::Output(..)))
        .map(|place| place + 1)
        .or_else(|| play.iter().position(|step| matches!(step, Step::End(_))))
        .unwrap_or(play.len())
}

/// Everything but the end, and then this end.
fn ended(play: &mut Vec<Step>, cause: KillCause) {
    play.retain(|step| !matches!(step, Step::End(_)));
    play.push(Step::Pause(Duration::from_millis(1)));
    play.push(Step::End(End::Exit(Exit::Killed(cause))));
}

/// The first half of a play; of the output in the middle a part that is no whole line.
fn half(play: &[Step]) -> Vec<Step> {
    let outputs = play
        .iter()
        .filter(|step| matches!(step, Step::Output(..)))
        .count();
    let mut seen = 0;
    let mut kept = Vec::new();
    for step in play {
        match step {
            Step::End(_) => break,
            Step::Output(stream, Content::Bytes(bytes)) => {
                seen += 1;
                if seen * 2 >= outputs {
                    kept.push(Step::Output(*stream, Content::Bytes(cut(bytes))));
                    break;
                }
                kept.push(step.clone());
            }
            Step::Output(stream, content) => {
                seen += 1;
                if seen * 2 >= outputs {
                    // A file's bytes are not at hand here: the line that is cut comes after it.
                    kept.push(step.clone());
                    let rest = Content::text("{\"cut\": \"off he");
                    kept.push(Step::Output(*stream, rest));
                    break;
                }
                kept.push(Step::Output(*stream, content.clone()));
            }
            Step::Pause(_)
            | Step::Wait(_)
            | Step::Await(_)
            | Step::AwaitEnd
            | Step::CloseStdin
            | Step::Write { .. }
            | Step::Delete(_)
            | Step::Cancel => kept.push(step.clone()),
        }
    }
    kept
}

/// The beginning of some bytes, up to the middle of a line.
fn cut(bytes: &[u8]) -> Vec<u8> {
    let mut end = bytes.len() / 2;
    // Not behind a line's end, where nothing would be cut.
    while end > 0 && bytes.get(end - 1) == Some(&b'\n') {
        end -= 1;
    }
    bytes.get(..end).unwrap_or_default().to_vec()
}

/// The same play with bytes between that are no text.
fn garbled(play: &[Step]) -> Vec<Step> {
    let mut steps = Vec::with_capacity(play.len() * 2 + 1);
    let noise = |stream| Step::Output(stream, Content::Bytes(NOT_TEXT.to_vec()));
    steps.push(noise(Stream::Stdout));
    for step in play {
        if let Step::Output(stream, _) = step {
            steps.push(step.clone());
            steps.push(noise(*stream));
        } else {
            steps.push(step.clone());
        }
    }
    steps
}
