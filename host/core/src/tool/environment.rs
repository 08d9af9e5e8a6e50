//! Names of environment variables, and which of them are a way to run code.
//!
//! Many programs take their options, plugins, helpers and interpreters from the environment. A
//! name that does so is never handed on from the host and never set by a plugin. Never: a value.

use std::fmt;
use std::str::FromStr;

use super::scratch::SCRATCH_ENV;
use crate::excerpt::excerpt;
use serde::{Deserialize, Serialize};

/// Longest name in bytes; real names have less than 50.
const MAX_ENV_NAME: usize = 128;

/// Names and prefixes that decide which code a *process* loads or starts, whatever the program.
/// Nobody sets them: the loader obeys them before the program runs.
const LOADER: &[&str] = &[
    "LD_*",
    "DYLD_*",
    "GLIBC_TUNABLES",
    "GCONV_PATH",
    "LOCPATH",
    "NLSPATH",
    "MALLOC_*",
    "PATH",
    "BASH_ENV",
    "BASHOPTS",
    "BASH_FUNC_*",
    "ENV",
    "IFS",
    "PS4",
    "SHELL",
    "SHELLOPTS",
    "ZDOTDIR",
    "CDPATH",
    "PROMPT_COMMAND",
    "FPATH",
];

/// Names and prefixes by which one program or another takes options, code, helpers or servers
/// from its environment. The owner may fix a value; a value from elsewhere is never let through.
const PROGRAM: &[&str] = &[
    // Options, whatever the program.
    "*_OPTIONS",
    "*_OPTS",
    "*_FLAGS",
    "*FLAGS",
    "*_WRAPPER",
    "*_PRELOAD",
    "*_ASKPASS",
    // Programs that are started to show, to edit, to ask or to connect.
    "*PAGER",
    "*EDITOR",
    "VISUAL",
    "BROWSER",
    "LESSOPEN",
    "LESSCLOSE",
    "LESS",
    "SSH_*",
    "SUDO_*",
    "TERMINFO",
    "TERMINFO_DIRS",
    "TERMCAP",
    // Where libraries find modules and settings.
    "OPENSSL_*",
    "SSL_*",
    "CURL_*",
    "GIO_*",
    "GTK_*",
    "QT_*",
    "XDG_*",
    "KRB5*",
    "HOSTALIASES",
    "RESOLV_HOST_CONF",
    "RES_OPTIONS",
    "LOCALDOMAIN",
    "PKG_CONFIG*",
    "*_PROXY",
    // Version control.
    "GIT_*",
    "HG*",
    "SVN_*",
    "BZR_*",
    "CVS_*",
    // Languages and their package managers.
    "PYTHON*",
    "PIP_*",
    "PIPENV_*",
    "POETRY_*",
    "UV_*",
    "VIRTUAL_ENV",
    "CONDA_*",
    "PYENV_*",
    "PYTEST_*",
    "RUFF_*",
    "COVERAGE_*",
    "NODE_*",
    "NPM_*",
    "YARN_*",
    "PNPM_*",
    "BUN_*",
    "DENO_*",
    "NVM_*",
    "TS_NODE_*",
    "COREPACK_*",
    "RUSTC*",
    "RUSTDOC*",
    "RUST_*",
    "RUSTUP_*",
    "CARGO*",
    "GO111MODULE",
    "GOFLAGS",
    "GOROOT",
    "GOPATH",
    "GOPROXY",
    "GOENV",
    "GOTOOLCHAIN",
    "GOBIN",
    "GOCACHE",
    "GOMODCACHE",
    "GOPRIVATE",
    "GONOSUMDB",
    "GONOSUMCHECK",
    "GOSUMDB",
    "GOINSECURE",
    "GOVCS",
    "GOAUTH",
    "GOWORK",
    "GOEXPERIMENT",
    "GCCGO",
    "CGO_*",
    "JAVA_*",
    "_JAVA_OPTIONS",
    "JDK_*",
    "CLASSPATH",
    "MAVEN_*",
    "GRADLE_*",
    "ANT_*",
    "KOTLIN_*",
    "PERL*",
    "RUBY*",
    "GEM_*",
    "BUNDLE_*",
    "LUA_*",
    "PHP*",
    "COMPOSER_*",
    "TCL*",
    "R_*",
    "JULIA_*",
    "DOTNET_*",
    "COMPLUS_*",
    "CORECLR_*",
    "CORE_*",
    "MONO_*",
    "MSBUILD*",
    "NUGET_*",
    "ERL_*",
    "ELIXIR_*",
    "GHC*",
    "OCAML*",
    "EMACS*",
    "VIM*",
    // Compilers and build systems.
    "CC",
    "CXX",
    "CPP",
    "LD",
    "AR",
    "AS",
    "HOSTCC",
    "GCC_*",
    "COMPILER_PATH",
    "LIBRARY_PATH",
    "CPATH",
    "C_INCLUDE_PATH",
    "CPLUS_INCLUDE_PATH",
    "MAKE*",
    "MFLAGS",
    "CMAKE_*",
    "NINJA_*",
    "CCACHE_*",
    "SCCACHE_*",
    "DISTCC_*",
    "ASAN_*",
    "LSAN_*",
    "UBSAN_*",
    "TSAN_*",
    // Services that act for the user.
    "DOCKER_*",
    "CONTAINER_*",
    "KUBE*",
    "DBUS_*",
    "AWS_*",
    "GPG_*",
    "GNUPGHOME",
];

/// Names by which the host tells a tool which durable task it works for. Only the host sets them:
/// what a tool does with them (refuse an older fence, do something once for each key) would be
/// worth nothing if a plugin could choose them.
pub const TASK_NAMES: [&str; 6] = [
    "REMIT_RUN",
    "REMIT_TASK",
    "REMIT_ATTEMPT",
    "REMIT_FENCE",
    "REMIT_EFFECT_KEY",
    "TRACEPARENT",
];

/// A name that only the host sets, whatever it is used for.
const HOST: &[&str] = &[SCRATCH_ENV];

/// Which harm a value of this variable could do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Danger {
    /// It decides which code any process loads. Nobody may set it.
    Loader,
    /// The host tells tools with it which task they work for, or where. Nobody else may set it.
    Host,
    /// Some program takes options or code from it. Only the owner may set it, to a constant.
    Program,
}

/// The name of an environment variable: `[A-Za-z_][A-Za-z0-9_]*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EnvName(String);

/// The text is not the name of an environment variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not the name of an environment variable; write letters, digits and _, no digit first"
)]
pub struct EnvNameError(String);

impl EnvName {
    /// Names that the host itself writes down: one of [`TASK_NAMES`] or [`SCRATCH_ENV`].
    pub(super) fn of_host(name: &'static str) -> Self {
        Self(name.to_owned())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a value of this variable can make some program run code, and whose values can be
    /// trusted. `None` is harmless as far as is known.
    #[must_use]
    pub fn danger(&self) -> Option<Danger> {
        // Some programs fold the case (npm reads `NPM_CONFIG_X` and `npm_config_x`).
        let name = self.0.to_ascii_uppercase();
        let listed = |list: &[&str]| list.iter().any(|pattern| matches(pattern, &name));
        if listed(LOADER) {
            Some(Danger::Loader)
        } else if listed(&TASK_NAMES) || listed(HOST) {
            Some(Danger::Host)
        } else if listed(PROGRAM) {
            Some(Danger::Program)
        } else {
            None
        }
    }

    /// Why nobody who writes a declaration may set this variable, for a message about it.
    #[must_use]
    pub fn forbidden(&self) -> Option<String> {
        match self.danger()? {
            Danger::Loader => Some(format!("`{self}` decides which code any program loads")),
            Danger::Host => Some(format!("`{self}` is set by remit itself")),
            Danger::Program => None,
        }
    }

    /// Whether only the owner may set this variable, or nobody.
    #[must_use]
    pub fn is_dangerous(&self) -> bool {
        self.danger().is_some()
    }
}

/// Whether a name matches `NAME`, `PREFIX*` or `*SUFFIX`.
fn matches(pattern: &str, name: &str) -> bool {
    if let Some(prefix) = pattern.strip_suffix('*') {
        name.starts_with(prefix)
    } else if let Some(suffix) = pattern.strip_prefix('*') {
        name.ends_with(suffix)
    } else {
        name == pattern
    }
}

impl FromStr for EnvName {
    type Err = EnvNameError;

    fn from_str(text: &str) -> Result<Self, EnvNameError> {
        let rest_fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let fits = (1..=MAX_ENV_NAME).contains(&text.len())
            && text.bytes().all(rest_fits)
            && !text.starts_with(|first: char| first.is_ascii_digit());
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(EnvNameError(excerpt(text)))
        }
    }
}

impl fmt::Display for EnvName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for EnvName {
    type Error = EnvNameError;
    fn try_from(text: String) -> Result<Self, EnvNameError> {
        text.parse()
    }
}

impl From<EnvName> for String {
    fn from(name: EnvName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests;
