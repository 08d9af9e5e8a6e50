//! The configuration, in the form of the origin's `cleanup_automation_config.yaml`.
//!
//! Keys that nobody knows are left alone, because the file has other readers. Never: a default for
//! a value that is there and is wrong.

use std::collections::BTreeMap;

use remit_plugin_library::path::SafePath;
use remit_plugin_survey::read_yaml;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The patterns that are carried out, with what they do.
pub(crate) const KNOWN: [(&str, &str); 4] = [
    ("EXEC-014", "exact duplicates"),
    ("EXEC-015", "stale files"),
    ("EXEC-016", "import paths"),
    ("EXEC-017", "archives"),
];

/// The whole configuration.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Config {
    pub(crate) global: Global,
    pub(crate) scan_paths: Vec<String>,
    pub(crate) exclusions: Exclusions,
    pub(crate) patterns: BTreeMap<String, Value>,
    pub(crate) validation: Validation,
    /// Whether somebody wrote it.
    #[serde(skip)]
    pub(crate) written: bool,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Global {
    pub(crate) dry_run: bool,
    pub(crate) auto_approval_threshold: u64,
    pub(crate) create_backups: bool,
    pub(crate) backup_directory: String,
    pub(crate) backup_retention_days: u64,
    pub(crate) test_after_execution: bool,
    pub(crate) rollback_on_failure: bool,
}

impl Default for Global {
    fn default() -> Self {
        Self {
            dry_run: false,
            auto_approval_threshold: 75,
            create_backups: true,
            backup_directory: ".cleanup_backups".to_owned(),
            backup_retention_days: 90,
            test_after_execution: true,
            rollback_on_failure: true,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Exclusions {
    pub(crate) directories: Vec<String>,
    pub(crate) file_patterns: Vec<String>,
    pub(crate) files: Vec<String>,
}

impl Default for Exclusions {
    fn default() -> Self {
        let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            directories: all(&[
                "__pycache__/",
                "node_modules/",
                ".venv/",
                "venv/",
                "archive/",
            ]),
            file_patterns: all(&["*.pyc", "*.pyo", "*.db", "*.log", ".env"]),
            files: all(&["README.md", "LICENSE", ".gitignore"]),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Validation {
    pub(crate) test_command: Option<String>,
    pub(crate) test_required_pass_count: u64,
}

/// What every pattern has.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Approval {
    pub(crate) enabled: bool,
    pub(crate) confidence: u64,
    pub(crate) auto_approve: bool,
    pub(crate) priority: i64,
}

impl Default for Approval {
    fn default() -> Self {
        Self {
            enabled: true,
            confidence: 100,
            auto_approve: true,
            priority: 0,
        }
    }
}

/// EXEC-014.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Duplicates {
    pub(crate) hash_algorithm: String,
    pub(crate) min_file_size_bytes: u64,
    pub(crate) batch_size: usize,
    pub(crate) scoring: DuplicateWeights,
    pub(crate) location_tiers: BTreeMap<String, f64>,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct DuplicateWeights {
    pub(crate) location_tier: f64,
    pub(crate) recency: f64,
    pub(crate) import_count: f64,
    pub(crate) path_depth: f64,
}

impl Default for Duplicates {
    fn default() -> Self {
        Self {
            hash_algorithm: "SHA256".to_owned(),
            min_file_size_bytes: 1024,
            batch_size: 10,
            scoring: DuplicateWeights::default(),
            location_tiers: BTreeMap::new(),
        }
    }
}

impl Default for DuplicateWeights {
    fn default() -> Self {
        Self {
            location_tier: 40.0,
            recency: 30.0,
            import_count: 20.0,
            path_depth: 10.0,
        }
    }
}

/// EXEC-015.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Stale {
    pub(crate) staleness_threshold_score: f64,
    pub(crate) grace_period_days: u64,
    pub(crate) scoring: StaleWeights,
    pub(crate) location_tiers: BTreeMap<String, f64>,
    pub(crate) whitelist_files: Vec<String>,
    pub(crate) archive_directory: String,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct StaleWeights {
    pub(crate) last_modified_days: f64,
    pub(crate) last_commit_days: f64,
    pub(crate) reference_count: f64,
    pub(crate) location_tier: f64,
    pub(crate) file_size: f64,
    pub(crate) test_coverage: f64,
}

impl Default for Stale {
    fn default() -> Self {
        let tiers = [
            ("legacy/", 90.0),
            ("deprecated/", 80.0),
            ("modules/", 30.0),
            ("core/", 10.0),
        ];
        Self {
            staleness_threshold_score: 70.0,
            grace_period_days: 30,
            scoring: StaleWeights::default(),
            location_tiers: tiers.map(|(name, tier)| (name.to_owned(), tier)).into(),
            whitelist_files: Vec::new(),
            archive_directory: "archive/stale/".to_owned(),
        }
    }
}

impl Default for StaleWeights {
    fn default() -> Self {
        Self {
            last_modified_days: 30.0,
            last_commit_days: 20.0,
            reference_count: 20.0,
            location_tier: 10.0,
            file_size: 10.0,
            test_coverage: 10.0,
        }
    }
}

/// EXEC-016.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Imports {
    pub(crate) migration_map_file: Option<String>,
    pub(crate) batch_size: usize,
    pub(crate) test_after_batch: bool,
    pub(crate) preserve_shims: bool,
    pub(crate) dependency_order: Vec<String>,
}

impl Default for Imports {
    fn default() -> Self {
        Self {
            migration_map_file: None,
            batch_size: 25,
            test_after_batch: true,
            preserve_shims: true,
            dependency_order: Vec::new(),
        }
    }
}

/// EXEC-017.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Archives {
    pub(crate) target_archive_dir: String,
    pub(crate) compress_old_archives: bool,
    pub(crate) compression_format: String,
    pub(crate) generate_index: bool,
    pub(crate) source_archives: Vec<String>,
}

impl Default for Archives {
    fn default() -> Self {
        Self {
            target_archive_dir: "archive/consolidated/".to_owned(),
            compress_old_archives: true,
            compression_format: "tar.gz".to_owned(),
            generate_index: true,
            source_archives: Vec::new(),
        }
    }
}

/// What is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ConfigError(pub(crate) String);

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// It is not YAML, or a value is of the wrong kind; says which.
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let value = read_yaml(text).map_err(|error| ConfigError(error.to_string()))?;
        let mut config: Self =
            serde_json::from_value(value).map_err(|error| ConfigError(error.to_string()))?;
        config.written = true;
        Ok(config)
    }

    /// What holds where nobody wrote a configuration: everything, but only tried.
    pub(crate) fn unwritten() -> Self {
        Self {
            global: Global {
                dry_run: true,
                ..Global::default()
            },
            patterns: KNOWN
                .iter()
                .map(|(id, _)| ((*id).to_owned(), Value::Object(serde_json::Map::new())))
                .collect(),
            ..Self::default()
        }
    }

    /// The settings of one pattern; nothing if it is not configured.
    ///
    /// # Errors
    /// A value is of the wrong kind.
    pub(crate) fn pattern<T: DeserializeOwned>(&self, id: &str) -> Result<Option<T>, ConfigError> {
        let Some(value) = self.patterns.get(id) else {
            return Ok(None);
        };
        T::deserialize(value)
            .map(Some)
            .map_err(|error| ConfigError(format!("patterns.{id}: {error}")))
    }

    /// A directory that a configuration names, below the workspace.
    ///
    /// # Errors
    /// It is no such path; says which key.
    pub(crate) fn directory(key: &str, text: &str) -> Result<SafePath, ConfigError> {
        SafePath::parse(text).map_err(|error| ConfigError(format!("{key}: `{text}` {error}")))
    }
}

/// The tier of a path: that of the longest directory name in the table that it has, at its
/// beginning or after a `/`.
pub(crate) fn tier(tiers: &BTreeMap<String, f64>, path: &str) -> Option<f64> {
    tiers
        .iter()
        .filter(|(name, _)| {
            !name.is_empty()
                && (path.starts_with(name.as_str()) || path.contains(&format!("/{name}")))
        })
        .max_by_key(|(name, _)| name.len())
        .map(|(_, tier)| *tier)
}
