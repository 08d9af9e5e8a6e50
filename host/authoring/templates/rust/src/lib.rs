//! Greets someone.

use remit::{Artifact, Done, Failure, workspace};

#[remit::inputs]
struct Inputs {
    /// Who is greeted.
    name: String,
}

#[remit::outputs]
struct Outputs {
    greeting: String,
}

#[remit::pattern]
fn hello(inputs: Inputs) -> Result<Done<Outputs>, Failure> {
    let greeting = format!("Hello, {}!", inputs.name);
    std::fs::write(workspace::root()?.join("hello.txt"), &greeting)?;
    let file = Artifact::new("hello.txt", "text/plain");
    Ok(Done::new(greeting.clone(), Outputs { greeting }).artifact(file))
}
