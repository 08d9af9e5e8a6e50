//! What each kind of module starts with: title, public names and code in both families of
//! languages.
//!
//! Never: code in a string literal. The code is in `templates/`.

use crate::request::ModuleType;

/// The templates of one kind of module in one family of languages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Code {
    pub(crate) module: &'static str,
    pub(crate) cli: &'static str,
    pub(crate) test: &'static str,
    pub(crate) example: &'static str,
}

/// One line that says what the module is.
pub(crate) fn title(module_type: ModuleType) -> &'static str {
    match module_type {
        ModuleType::Library => "Statistics of a stream of numbers, without keeping the numbers.",
        ModuleType::Cli => "Counts lines, words and characters of texts.",
        ModuleType::Api => "A small JSON service over items.",
        ModuleType::Utility => "Small functions for text and sequences.",
    }
}

/// The public names of the Python package.
pub(crate) fn python_names(module_type: ModuleType) -> &'static [&'static str] {
    match module_type {
        ModuleType::Library => &["RunningStats", "summarize"],
        ModuleType::Cli => &["Counts", "count", "render"],
        ModuleType::Api => &["Response", "Store", "application", "handle"],
        ModuleType::Utility => &["chunked", "slugify", "truncate"],
    }
}

macro_rules! code {
    ($folder:literal, $module:literal, $extension:literal, $script:literal) => {
        Code {
            module: include_str!(concat!("../templates/", $folder, "/", $module)),
            cli: include_str!(concat!("../templates/", $folder, "/cli.", $extension)),
            test: include_str!(concat!("../templates/", $folder, "/test.", $script)),
            example: include_str!(concat!("../templates/", $folder, "/example.", $script)),
        }
    };
}

/// The templates for Python.
pub(crate) fn python(module_type: ModuleType) -> Code {
    match module_type {
        ModuleType::Library => code!("python/library", "core.py", "py", "py"),
        ModuleType::Cli => code!("python/cli", "core.py", "py", "py"),
        ModuleType::Api => code!("python/api", "core.py", "py", "py"),
        ModuleType::Utility => code!("python/utility", "core.py", "py", "py"),
    }
}

/// The templates for JavaScript and TypeScript.
pub(crate) fn script(module_type: ModuleType) -> Code {
    match module_type {
        ModuleType::Library => code!("script/library", "module.ts", "ts", "js"),
        ModuleType::Cli => code!("script/cli", "module.ts", "ts", "js"),
        ModuleType::Api => code!("script/api", "module.ts", "ts", "js"),
        ModuleType::Utility => code!("script/utility", "module.ts", "ts", "js"),
    }
}
