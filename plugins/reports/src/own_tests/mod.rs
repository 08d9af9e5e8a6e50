//! Reports of the real tools, as they were written (samples/), and what nobody should be able to do
//! with a report.
//!
//! Never: a sample that was made up where a tool could be run.

mod hostile;
mod linted;
mod tested;

use crate::findings::{Finding, Findings, Level};
use crate::tests::{Case, Counts, Location, Status, Tests};
use crate::{clippy, gotest, junit, libtest, place, ruff, sarif};
