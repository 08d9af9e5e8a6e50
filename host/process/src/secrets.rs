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
        variables.push((name.as_str().into(), OsString::from_vec(value.clone())));
        values.push(value);
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

/// A value that an environment can hold and that can be kept secret.
fn fit(value: Vec<u8>) -> Result<Vec<u8>, String> {
    if value.len() < MIN_SECRET_BYTES {
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
    use super::*;

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
            "env:LONG",
            "env:ABSENT",
            "file:/absent/canary-file",
        ] {
            let error = check(source).unwrap_err();
            assert_eq!(error.code(), "bad-secret", "{source}");
            assert!(!error.to_string().contains("xxx"), "{error}");
            assert!(!error.to_string().contains("`canary`"), "{error}");
        }
    }
}
