//! The model server as a program: `remit-model-server SCRIPT --port N`.
//!
//! Never: an address that other machines reach.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use remit_model_server::{Script, Server, Settings};

/// A model that says what a script says, for agents without a provider.
#[derive(Parser)]
struct Arguments {
    /// The script: JSON, see tests/model-server/src/script.rs and tests/agents/scripts.
    script: PathBuf,
    /// Port on the loopback interface; any free one if left out.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// File to which each request is added as a line of JSON, without keys.
    #[arg(long)]
    log: Option<PathBuf>,
    /// What `${NAME}` in the script stands for, as NAME=VALUE. `${workspace}` is the current
    /// directory if nothing else is said.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
}

/// A mistake in what was asked for.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // Nobody is left to tell if that fails.
            drop(writeln!(std::io::stderr(), "remit-model-server: {problem}"));
            ExitCode::from(USAGE)
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the script is where the person says who starts the program"
)]
fn run(arguments: &Arguments) -> Result<(), String> {
    let path = arguments.script.display();
    let text = std::fs::read_to_string(&arguments.script)
        .map_err(|error| format!("{path} cannot be read: {error}"))?;
    let mut values = Vec::new();
    for value in &arguments.set {
        let parts = value.split_once('=');
        values.push(parts.ok_or(format!("--set {value}: write NAME=VALUE"))?);
    }
    let here = std::env::current_dir().unwrap_or_default();
    let here = here.to_string_lossy();
    if !values.iter().any(|(name, _)| *name == "workspace") {
        values.push(("workspace", &here));
    }
    let script = Script::parse(&text, &values).map_err(|error| format!("{path}: {error}"))?;
    let settings = Settings {
        port: arguments.port,
        log: arguments.log.clone(),
    };
    let server = Server::start(script, &settings).map_err(|error| error.to_string())?;
    // Whoever starts it with any port reads here which one it is.
    let said = writeln!(std::io::stdout(), "http://{}", server.address());
    said.map_err(|error| format!("the address cannot be told: {error}"))?;
    server.wait();
    Ok(())
}
