//! `remit trust`: lets a workspace's own policy count, exactly as it is now.

use std::path::PathBuf;

use anstream::{print, println};
use remit_core::outcome::ExitCode;
use remit_core::policy::{Layer, Origin};

use crate::exit::Stop;
use crate::files;
use crate::places::Places;
use crate::printable::printable;
use crate::render::{BOLD, DIM};
use crate::trust::{Trust, WORKSPACE_POLICY};

/// Lets a workspace's remit.toml count, exactly as it is now
///
/// A repository that you cloned grants itself nothing until you have read its remit.toml and
/// trust it. Any change to the file ends the trust.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The workspace
    #[arg(default_value = ".")]
    directory: PathBuf,

    /// Takes trust back
    #[arg(long, conflicts_with = "list")]
    revoke: bool,

    /// Lists every trusted file
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(args: Args) -> Result<ExitCode, Stop> {
    let mut trust = Trust::open(Places::find()?.trust())?;
    if args.list {
        for (file, digest) in trust.list() {
            println!("{}  {DIM}{digest}{DIM:#}", file.display());
        }
        return Ok(ExitCode::Ok);
    }
    let file = files::real_dir(&args.directory)?.join(WORKSPACE_POLICY);
    let shown = file.display().to_string();
    if args.revoke {
        let known = trust.forget(&file)?;
        let said = if known {
            "not trusted any more"
        } else {
            "was not trusted"
        };
        println!("{}: {said}", printable(&shown));
        return Ok(ExitCode::Ok);
    }
    let Some(text) = files::read_text_if_there(&file)? else {
        return Err(Stop::usage(
            format!("{shown} does not exist"),
            "there is nothing to trust",
        ));
    };
    let layer = Layer::parse(Origin::Workspace(shown.clone()), &text)?;
    trust.pin(&file, &text)?;
    println!(
        "{BOLD}{}{BOLD:#} counts from now on, exactly as it is:",
        printable(&shown)
    );
    print!("{}", printable(&text));
    if !layer.tools().is_empty() {
        println!("\nit declares {} tool(s)", layer.tools().len());
    }
    Ok(ExitCode::Ok)
}
