//! Durable runs that are carried out, and what goes on beside them: spans, hooks, contracts.
//!
//! Never: a tool that is not real; a collector that is not on loopback.

mod collector;
mod contracts;
mod hooks;
mod requests;
mod spans;

use std::process::Command;

use serde_json::{Value, json};

use crate::home::{Home, wait};

/// Tools that a task may be, and nothing else.
const POLICY: &str = "format = 1\n\
    [plugins.command]\nread = [\".\"]\nwrite = [\".\"]\nrun = [\"say\", \"no\", \"tell\", \"trace\", \"append\", \"nap\"]\n\
    [tools.say]\nprogram = \"/usr/bin/echo\"\ntemplates = { hello = [\"hello\"] }\n\
    [tools.tell]\nprogram = \"/usr/bin/echo\"\ntemplates = { it = [\"--\", \"{prompt:text}\"] }\n\
    [tools.no]\nprogram = \"/usr/bin/false\"\ntemplates = { go = [] }\n\
    [tools.trace]\nprogram = \"/usr/bin/printenv\"\ntemplates = { parent = [\"TRACEPARENT\"] }\n\
    [tools.append]\nprogram = \"/usr/bin/tee\"\ntemplates = { file = [\"-a\", \"told.jsonl\"] }\n\
    [tools.nap]\nprogram = \"/usr/bin/sleep\"\ntemplates = { long = [\"600\"] }\n\
    [tools.mail]\nprogram = \"/usr/bin/true\"\ntemplates = { send = [] }\n";

/// A home with a policy and a plan.
struct Stage {
    home: Home,
}

impl Stage {
    fn set(more_policy: &str) -> Self {
        let home = Home::new();
        std::fs::create_dir_all(home.path("home/config/remit")).unwrap();
        let policy = format!("{POLICY}{more_policy}");
        std::fs::write(home.path("home/config/remit/policy.toml"), policy).unwrap();
        Self { home }
    }

    /// Leaves the plan of a run called `r`.
    fn plan(&self, tasks: &Value) {
        let plan = json!({"format": 1, "run": "r", "retry": {"max-attempts": 1}, "tasks": tasks});
        std::fs::write(self.home.workspace().join("plan.json"), plan.to_string()).unwrap();
    }

    /// Exit code, standard output and standard error.
    fn ask(&self, arguments: &str) -> (i32, String, String) {
        self.ask_with(arguments, |_| {})
    }

    fn ask_with(
        &self,
        arguments: &str,
        change: impl FnOnce(&mut Command),
    ) -> (i32, String, String) {
        let words: Vec<&str> = arguments.split(' ').collect();
        let mut command = self.home.remit(&words);
        change(&mut command);
        let output = wait(command.spawn().unwrap());
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap();
        (code, text(output.stdout), text(output.stderr))
    }
}
