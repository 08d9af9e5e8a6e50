//! The replayer: plays what is in it, and nothing else. Its arguments do not matter.
//!
//! Whoever wants to know what it is looks into its bytes. Never: a file that is read, a network, a look
//! at the environment.

use std::io::{Read as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use remit_replayer::{Act, CAPACITY, MARK_LENGTH, decode};

/// The mark and the place for the play behind it, in the program's data.
#[used]
static PLAY: [u8; MARK_LENGTH + CAPACITY] = place();

/// An empty place behind the mark.
const fn place() -> [u8; MARK_LENGTH + CAPACITY] {
    let mark = *b"remit-replayer:the-play-follows:";
    let mut place = [0; MARK_LENGTH + CAPACITY];
    let mut at = 0;
    while at < MARK_LENGTH {
        place[at] = mark[at];
        at += 1;
    }
    place
}

fn main() -> ExitCode {
    // The compiler must not know what is there: it is written later.
    let place: &[u8] = std::hint::black_box(&PLAY);
    for act in decode(place.get(MARK_LENGTH..).unwrap_or_default()) {
        if let Some(end) = carry_out(act) {
            return end;
        }
    }
    ExitCode::SUCCESS
}

/// Carries out a step; gives the end if it is one.
fn carry_out(act: Act) -> Option<ExitCode> {
    match act {
        Act::Out(text) => say(&mut std::io::stdout(), &text),
        Act::Err(text) => say(&mut std::io::stderr(), &text),
        Act::Repeat(times, text) => {
            for _ in 0..times {
                say(&mut std::io::stdout(), &text);
            }
        }
        Act::Pause(time) => std::thread::sleep(Duration::from_millis(time)),
        Act::ReadAll => {
            let mut rest = Vec::new();
            // What cannot be read has ended.
            drop(std::io::stdin().read_to_end(&mut rest));
        }
        Act::IgnoreSignals => ignore_signals(),
        Act::Orphan(time) => leave_orphan(time),
        Act::Write(path, text) => write(&path, &text),
        Act::Signal(number) => raise(number),
        Act::Exit(code) => return Some(ExitCode::from(code)),
    }
    None
}

/// Writes all of it; a reader that has gone is no error of a tool that goes on.
fn say(stream: &mut dyn std::io::Write, text: &[u8]) {
    if stream.write_all(text).is_ok() {
        drop(stream.flush());
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a stand-in for a tool writes where a tool would; the kernel says where it may"
)]
fn write(path: &str, text: &[u8]) {
    if let Some(parent) = std::path::Path::new(path).parent() {
        drop(std::fs::create_dir_all(parent));
    }
    if let Err(error) = std::fs::write(path, text) {
        drop(writeln!(std::io::stderr(), "{path}: {error}"));
    }
}

/// What a tool that does not want to end ignores.
const STUBBORN: [i32; 6] = [
    libc::SIGTERM,
    libc::SIGINT,
    libc::SIGHUP,
    libc::SIGQUIT,
    libc::SIGUSR1,
    libc::SIGUSR2,
];

#[expect(unsafe_code, reason = "signals are the operating system's")]
fn ignore_signals() {
    for signal in STUBBORN {
        // SAFETY: SIG_IGN is no function of ours; nothing runs when the signal comes.
        unsafe {
            libc::signal(signal, libc::SIG_IGN);
        }
    }
}

#[expect(
    unsafe_code,
    reason = "a process that outlives its parent is made by fork"
)]
fn leave_orphan(time: u64) {
    // SAFETY: the program has one thread, so that the child may do everything that the parent may.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: takes no pointer; a child that stays in its session is an orphan, too.
        unsafe {
            libc::setsid();
        }
        std::thread::sleep(Duration::from_millis(time));
        // SAFETY: ends the child at once, without what the parent would write at its end.
        unsafe { libc::_exit(0) }
    }
}

#[expect(unsafe_code, reason = "signals are the operating system's")]
fn raise(number: u8) {
    // SAFETY: takes no pointer. Whatever the number is, only this process can end by it.
    unsafe {
        libc::signal(i32::from(number), libc::SIG_DFL);
        libc::raise(i32::from(number));
    }
}
