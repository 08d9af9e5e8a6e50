//! `remit fixture`: a repository and stand-ins for tools, for tests of plugins and policies.
//!
//! Never: a file that is there already and is overwritten without being asked to.

use std::path::{Path, PathBuf};

use anstream::println;
use clap::Subcommand;
use remit_core::outcome::ExitCode;
use remit_core::quantity::TimeSpan;
use remit_core::tool::ToolId;
use remit_replayer::{Act, CAPACITY, loaded};

use crate::exit::Stop;
use crate::files;
use crate::fixture::repository;
use crate::printable::printable;

/// The stand-in, as it is built for this machine.
const REPLAYER: &[u8] = include_bytes!(env!("REMIT_REPLAYER"));

/// How long an orphan holds on, if nobody says: longer than anybody waits.
const ORPHAN: TimeSpan = TimeSpan::seconds(600);

/// Makes a small repository, or a stand-in for a tool, for tests
///
/// For example: remit fixture temp-repo DIR
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    TempRepo(RepoArgs),
    ReplayCli(ReplayArgs),
}

/// Makes a git repository with one commit: src, tests, and a mistake that a test finds
///
/// Without a directory, it is made below the one for temporary files. Prints where it is. The same
/// on every machine, byte for byte.
#[derive(Debug, clap::Args)]
struct RepoArgs {
    /// An empty directory, or one that is not there yet
    directory: Option<PathBuf>,
}

/// Makes a stand-in for a tool: a program that plays a transcript
///
/// The program is static, needs no other file, and does the same whatever its arguments are. Declare
/// it as the tool that it stands for. For example:
///
///   remit fixture replay-cli --name aider --transcript aider.txt --delay 20ms --exit 1 bin
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
struct ReplayArgs {
    /// What the program is called
    #[arg(long, value_name = "NAME")]
    name: ToolId,

    /// What it writes to standard output
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,

    /// What it writes to standard error, before its output
    #[arg(long, value_name = "FILE")]
    stderr: Option<PathBuf>,

    /// How long it is silent before each line of its output
    #[arg(long, value_name = "TIME")]
    delay: Option<TimeSpan>,

    /// How long it hangs after its output, before it ends
    #[arg(long, value_name = "TIME")]
    linger: Option<TimeSpan>,

    /// Reads standard input to its end before it says anything
    #[arg(long)]
    read_input: bool,

    /// Ignores SIGTERM, SIGINT and every other signal that can be ignored
    #[arg(long)]
    ignore_signals: bool,

    /// Leaves a child behind that holds its outputs open
    #[arg(long)]
    leave_orphan: bool,

    /// A file that it writes where it is started: PATH=FILE, with the content of FILE
    #[arg(long, value_name = "PATH=FILE")]
    write: Vec<String>,

    /// Its exit code
    #[arg(
        long,
        value_name = "CODE",
        default_value_t = 0,
        conflicts_with = "signal"
    )]
    exit: u8,

    /// Ends by this signal instead
    #[arg(long, value_name = "NUMBER")]
    signal: Option<u8>,

    /// The directory to make it in
    directory: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Stop> {
    match &args.command {
        Command::TempRepo(args) => temp_repo(args),
        Command::ReplayCli(args) => replay_cli(args),
    }
}

fn temp_repo(args: &RepoArgs) -> Result<ExitCode, Stop> {
    let directory = match &args.directory {
        Some(directory) => directory.clone(),
        None => files::new_temporary("remit-repo-")?,
    };
    files::make_empty(&directory)?;
    for (path, bytes) in repository::entries() {
        files::write_new(&directory.join(path), &bytes, false)?;
    }
    println!("{}", printable(&directory.display().to_string()));
    anstream::eprint!("{}", repository::listed());
    Ok(ExitCode::Ok)
}

fn replay_cli(args: &ReplayArgs) -> Result<ExitCode, Stop> {
    let program = loaded(REPLAYER, &acts(args)?)
        .map_err(|error| Stop::usage(error.to_string(), "shorten what it plays"))?;
    let path = args.directory.join(args.name.as_str());
    files::write_new(&path, &program, true)?;
    println!("{}", printable(&path.display().to_string()));
    Ok(ExitCode::Ok)
}

/// What the stand-in does, in this order.
fn acts(args: &ReplayArgs) -> Result<Vec<Act>, Stop> {
    let mut acts = Vec::new();
    if args.ignore_signals {
        acts.push(Act::IgnoreSignals);
    }
    if args.read_input {
        acts.push(Act::ReadAll);
    }
    if let Some(path) = &args.stderr {
        acts.push(Act::Err(read(path)?));
    }
    if let Some(path) = &args.transcript {
        let text = read(path)?;
        match args.delay {
            None => acts.push(Act::Out(text)),
            Some(delay) => {
                for line in text.split_inclusive(|byte| *byte == b'\n') {
                    acts.push(Act::Pause(millis(delay)));
                    acts.push(Act::Out(line.to_vec()));
                }
            }
        }
    }
    for pair in &args.write {
        let Some((path, file)) = pair.split_once('=') else {
            return Err(Stop::usage(
                format!("--write {pair} is not PATH=FILE"),
                "for example --write src/calc.py=fixed.py",
            ));
        };
        acts.push(Act::Write(path.to_owned(), read(Path::new(file))?));
    }
    if args.leave_orphan {
        acts.push(Act::Orphan(millis(ORPHAN)));
    }
    acts.extend(args.linger.map(|time| Act::Pause(millis(time))));
    acts.push(match args.signal {
        Some(signal) => Act::Signal(signal),
        None => Act::Exit(args.exit),
    });
    Ok(acts)
}

fn read(path: &Path) -> Result<Vec<u8>, Stop> {
    files::read_bytes(path, CAPACITY as u64)
}

fn millis(time: TimeSpan) -> u64 {
    u64::try_from(time.get().as_millis()).unwrap_or(u64::MAX)
}
