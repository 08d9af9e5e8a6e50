//! Reading the values of a tool's secrets, at the moment at which it starts.
//!
//! Never: a value in an error, a log or a type that can be shown.

#![expect(
    clippy::disallowed_methods,
    reason = "the file was named by the owner, outside of every grant; a plugin names none"
)]

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use remit_core::tool::{EnvName, MAX_ARGUMENT_BYTES, SecretSource, StartError, ToolId};

use crate::environment::HostEnvironment;
use crate::scrub::{MIN_SECRET_BYTES, Secrets};

/// Lines of a value that are looked for one by one: the longest keys have about a hundred. Every
/// one costs a search of all output, so a longer value is found as a whole only.
const MOST_LINES: usize = 256;

/// Reads the values. The first part of the answer goes into the tool's environment.
///
/// # Errors
/// A value is not there, or is not one that can be kept secret.
pub(crate) fn read(
    tool: &ToolId,
    secrets: &[(EnvName, SecretSource)],
    host: &HostEnvironment,
) -> Result<(Vec<(OsString, OsString)>, Secrets), StartError> {
    let mut variables = Vec::with_capacity(secrets.len());
    let mut values = Vec::with_capacity(secrets.len());
    for (name, source) in secrets {
        let value = value(source, host)
            .and_then(fit)
            .map_err(|problem| StartError::Secret {
                tool: tool.clone(),
                name: name.to_string(),
                source_of: source.to_string(),
                problem,
            })?;
        values.extend(forms(&value));
        variables.push((name.as_str().into(), OsString::from_vec(value)));
    }
    Ok((variables, Secrets::new(values)))
}

fn value(source: &SecretSource, host: &HostEnvironment) -> Result<Vec<u8>, String> {
    match source {
        SecretSource::Env(name) => host
            .get(name.as_str())
            .map(|value| value.as_bytes().to_vec())
            .ok_or_else(|| "is not set; set it where remit is started".to_owned()),
        SecretSource::File(path) => {
            let mut value = read_file(path).map_err(|error| format!("cannot be read: {error}"))?;
            if value.last() == Some(&b'\n') {
                value.pop();
            }
            Ok(value)
        }
    }
}

/// Reads a file that is as long as a variable can be at most, or one byte more.
fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    let most = u64::try_from(MAX_ARGUMENT_BYTES).unwrap_or(u64::MAX);
    let mut value = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut value)?;
    Ok(value)
}

/// What to look for in output: the value, and what programs make of one by themselves. They leave
/// out white space around it (a file's `\r\n`), and print long ones line by line.
fn forms(value: &[u8]) -> Vec<Vec<u8>> {
    let trimmed = value.trim_ascii();
    let lines: Vec<&[u8]> = trimmed.split(|byte| *byte == b'\n').collect();
    let mut forms = vec![value.to_vec(), trimmed.to_vec()];
    if lines.len() <= MOST_LINES {
        forms.extend(lines.iter().map(|line| line.trim_ascii().to_vec()));
    }
    forms.retain(|form| form.len() >= MIN_SECRET_BYTES);
    forms
}

/// A value that an environment can hold and that can be kept secret.
fn fit(value: Vec<u8>) -> Result<Vec<u8>, String> {
    if value.trim_ascii().len() < MIN_SECRET_BYTES {
        Err(format!(
            "is shorter than {MIN_SECRET_BYTES} bytes and could not be kept out of output; use a \
             longer one, or `env` if it is no secret"
        ))
    } else if value.len() > MAX_ARGUMENT_BYTES {
        Err(format!(
            "is longer than {MAX_ARGUMENT_BYTES} bytes; hand it over by a file"
        ))
    } else if value.contains(&0) {
        Err("holds a NUL byte, which no variable can".to_owned())
    } else {
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_a_program_makes_of_a_value_by_itself_is_looked_for_too() {
        let check = |value: &str, expected: &[&str]| {
            let found: BTreeSet<Vec<u8>> = forms(value.as_bytes()).into_iter().collect();
            let expected = expected.iter().map(|form| form.as_bytes().to_vec());
            assert_eq!(found, expected.collect(), "{value:?}");
        };
        check("canary-01", &["canary-01"]);
        check("canary-01\r", &["canary-01\r", "canary-01"]);
        check(" canary-01\n", &[" canary-01\n", "canary-01"]);
        let key = "-- BEGIN --\nline-one\nshort\r\nline-three";
        check(key, &[key, "-- BEGIN --", "line-one", "line-three"]);
        let long = "line-of-a-value\n".repeat(MOST_LINES + 1);
        check(&long, &[&long, long.trim_end()]);
    }

    #[test]
    fn values_come_from_where_the_owner_said_and_errors_do_not_show_them() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("key");
        std::fs::write(&file, "file-canary\n").unwrap();
        let tool: ToolId = "tool".parse().unwrap();
        let host = HostEnvironment::new(
            [
                ("KEY", "env-canary-1"),
                ("SHORT", "canary"),
                ("PADDED", "   canary   "),
                ("LONG", &"x".repeat(70_000)),
            ]
            .map(|(name, value)| (name.into(), value.into())),
        );
        let check = |source: &str| {
            let secrets = [("OUT".parse().unwrap(), source.parse().unwrap())];
            read(&tool, &secrets, &host).map(|(variables, _)| variables)
        };
        let found = |value: &str| Ok(vec![("OUT".into(), value.into())]);
        assert_eq!(check("env:KEY"), found("env-canary-1"));
        assert_eq!(
            check(&format!("file:{}", file.display())),
            found("file-canary")
        );
        for source in [
            "env:SHORT",
            "env:PADDED",
            "env:LONG",
            "env:ABSENT",
            "file:/absent/canary-file",
        ] {
            let error = check(source).unwrap_err();
            assert_eq!(error.code(), "bad-secret", "{source}");
            assert!(!format!("{error} {error:?}").contains("xxx"), "{source}");
            let shown = format!("{error} {error:?}").replace("canary-file", "");
            assert!(!shown.contains("canary"), "{shown}");
        }
    }
}
