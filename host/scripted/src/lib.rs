//! A host for tests of plugins: the engine's seams, played from a scenario, and what must come of it.
//!
//! [`ScriptedTools`] stands where real tools would be started. It holds each call against what the
//! scenario expects, plays what the tool does, with faults if they are asked for, and remembers what
//! did not fit. [`Collector`] keeps the events of the run and asks it to end where the scenario says
//! so. [`check`] compares what happened with what was expected, and says every difference.
//! [`Recorder`] goes the other way: it stands before real tools and writes down what they do, and
//! [`written`] makes a scenario of it. [`sample`] makes inputs that fit a schema.
//!
//! The sandbox, the working tree and the store are the real ones, which `app` wires. Never: a real
//! process, a network, a file outside of the workspace and the scenario's own directory.

mod check;
mod collect;
mod fault;
mod flow;
mod input;
mod material;
mod partial;
mod playing;
mod record;
mod sample;
mod script;
mod tools;
mod write;

pub use check::{Difference, Happened, check};
pub use collect::Collector;
pub use fault::spoiled;
pub use material::{MAX_MATERIAL, Material, MaterialError};
pub use record::{Looks, Recorded, RecordedStep, Recorder};
pub use sample::{MAX_SAMPLES, samples};
pub use script::Report;
pub use tools::{ScriptedTools, Stage};
pub use write::{SIDE_DIRECTORY, Taken, Written, written};
