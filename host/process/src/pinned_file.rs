//! One pinned file: what it is known by, and whether it still is what it was.
//!
//! Never: a file taken on its name alone.

#![expect(
    clippy::disallowed_methods,
    reason = "programs lie outside of every granted directory; what their paths lead to is pinned"
)]

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use remit_core::approval;
use remit_core::digest::Digest;
use remit_core::tool::FileIdentity;
use sha2::{Digest as _, Sha256};

/// Links that are followed from a name to a file; the kernel's own limit.
const MAX_LINKS: usize = 40;

/// Bytes that are read at once to digest a program.
const DIGEST_BLOCK: usize = 64 * 1024;

/// What a file is known by. A change of content changes at least one of the times: the inode's
/// own cannot be set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    mode: u32,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Identity {
    fn of(data: &Metadata) -> Self {
        Self {
            device: data.dev(),
            inode: data.ino(),
            size: data.size(),
            mode: data.mode(),
            modified: (data.mtime(), data.mtime_nsec()),
            changed: (data.ctime(), data.ctime_nsec()),
        }
    }

    /// What is different now, in words. None if nothing is.
    fn difference(&self, now: &Self) -> Option<String> {
        if self.device != now.device {
            Some(format!("device {} is now {}", self.device, now.device))
        } else if self.inode != now.inode {
            Some(format!("inode {} is now {}", self.inode, now.inode))
        } else if self.size != now.size {
            Some(format!("size {} is now {}", self.size, now.size))
        } else if self.mode != now.mode {
            Some(format!("mode {:o} is now {:o}", self.mode, now.mode))
        } else if self.modified != now.modified {
            Some("its content was written again".to_owned())
        } else if self.changed != now.changed {
            Some("its inode was changed".to_owned())
        } else {
            None
        }
    }
}

/// A difference between a pinned file and what is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The pinned real path.
    pub path: PathBuf,
    /// What differs.
    pub what: String,
}

/// One pinned file.
#[derive(Debug)]
pub(crate) struct PinnedFile {
    found: PathBuf,
    real: PathBuf,
    /// The real directory of every name on the way from `found` to `real`: who can write one of
    /// them can replace the program.
    pub(crate) homes: BTreeSet<PathBuf>,
    identity: Identity,
    digest: OnceLock<Digest>,
}

impl PinnedFile {
    /// Pins what a path leads to.
    ///
    /// # Errors
    /// It leads to no regular file.
    pub(crate) fn new(found: &Path) -> io::Result<Self> {
        let real = found.canonicalize()?;
        let data = fs::symlink_metadata(&real)?;
        if !data.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        Ok(Self {
            homes: homes(found)?,
            found: found.to_owned(),
            real,
            identity: Identity::of(&data),
            digest: OnceLock::new(),
        })
    }

    /// The path under which it was found.
    pub(crate) fn found(&self) -> &Path {
        &self.found
    }

    /// The path without links.
    pub(crate) fn real(&self) -> &Path {
        &self.real
    }

    /// The first of these directories below which it, or a link to it, lies.
    pub(crate) fn lies_below(&self, roots: &[PathBuf]) -> Option<&Path> {
        let below = |path: &Path| roots.iter().any(|root| path.starts_with(root));
        if below(&self.real) {
            return Some(&self.real);
        }
        self.homes
            .iter()
            .map(PathBuf::as_path)
            .find(|home| below(home))
    }

    /// Compares it with what is there now.
    pub(crate) fn recheck(&self) -> Result<(), Change> {
        let change = |what: String| Change {
            path: self.real.clone(),
            what,
        };
        let real = self
            .found
            .canonicalize()
            .map_err(|error| change(format!("{}: {error}", self.found.display())))?;
        if real != self.real {
            let (found, real) = (self.found.display(), real.display());
            return Err(change(format!("{found} now leads to {real}")));
        }
        let now = fs::symlink_metadata(&self.real).map_err(|error| change(error.to_string()))?;
        match self.identity.difference(&Identity::of(&now)) {
            Some(what) => Err(change(what)),
            None => Ok(()),
        }
    }

    /// What an approval records of it. A file that is still the `known` one need not be read.
    pub(crate) fn record(
        &self,
        known: Option<&approval::FileIdentity>,
    ) -> io::Result<approval::FileIdentity> {
        let path = self
            .real
            .to_str()
            .ok_or_else(|| io::Error::other("its path is not UTF-8"))?;
        let is_known = |known: &&approval::FileIdentity| {
            let identity = (known.device, known.inode, known.size, known.changed);
            let now = &self.identity;
            known.path == path && identity == (now.device, now.inode, now.size, now.changed)
        };
        let digest = match known.filter(is_known) {
            Some(known) => known.digest,
            None => self.digest()?,
        };
        Ok(approval::FileIdentity {
            path: path.to_owned(),
            device: self.identity.device,
            inode: self.identity.inode,
            size: self.identity.size,
            changed: self.identity.changed,
            digest,
        })
    }

    /// The digest of its content. Computed once, on the first call.
    pub(crate) fn digest(&self) -> io::Result<Digest> {
        if let Some(digest) = self.digest.get() {
            return Ok(*digest);
        }
        let mut file = File::open(&self.real)?;
        let mut hash = Sha256::new();
        let mut block = vec![0; DIGEST_BLOCK];
        loop {
            match file.read(&mut block)? {
                0 => break,
                read => hash.update(&block[..read]),
            }
        }
        // What was read is what was pinned only if it is still the same file.
        let now = Identity::of(&file.metadata()?);
        if let Some(what) = self.identity.difference(&now) {
            return Err(io::Error::other(what));
        }
        let digest = Digest::from_bytes(hash.finalize().into());
        Ok(*self.digest.get_or_init(|| digest))
    }

    /// What it is, for the record. A program may be executable and not readable; everything else
    /// that keeps it from being read has happened since it was pinned.
    pub(crate) fn identity(&self) -> Result<FileIdentity, Change> {
        let digest = match self.digest() {
            Ok(digest) => Some(digest),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => None,
            Err(error) => {
                return Err(Change {
                    path: self.real.clone(),
                    what: error.to_string(),
                });
            }
        };
        Ok(FileIdentity {
            path: self.real.to_string_lossy().into_owned(),
            digest,
            device: self.identity.device,
            inode: self.identity.inode,
        })
    }
}

/// The real directory of every name on the way that a path's last links make.
fn homes(path: &Path) -> io::Result<BTreeSet<PathBuf>> {
    let mut homes = BTreeSet::new();
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let home = path.parent().unwrap_or(Path::new("/")).canonicalize()?;
        let link = fs::read_link(&path);
        homes.insert(home.clone());
        match link {
            Ok(target) => path = home.join(target),
            Err(_no_link) => return Ok(homes),
        }
    }
    Err(io::Error::other("too many links"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, hard_link, set_permissions, write};
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// Pins `bin/tool`, a link to `lib/tool`, does something, and says what is then different.
    fn check(act: impl Fn(&Path), expected: Option<&str>) {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for name in ["bin", "lib"] {
            fs::create_dir(root.join(name)).unwrap();
        }
        write(root.join("lib/tool"), "one").unwrap();
        write(root.join("lib/other"), "two").unwrap();
        symlink("../lib/tool", root.join("bin/tool")).unwrap();
        let pinned = PinnedFile::new(&root.join("bin/tool")).unwrap();
        assert_eq!(pinned.recheck(), Ok(()));
        act(&root);
        match (pinned.recheck(), expected) {
            (Ok(()), None) => {}
            (Err(change), Some(expected)) => {
                assert!(
                    change.what.contains(expected),
                    "{} / {expected}",
                    change.what
                );
                assert_eq!(change.path, root.join("lib/tool"));
            }
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn every_way_to_replace_a_program_is_seen() {
        check(|_| {}, None);
        check(
            |root| fs::rename(root.join("lib/other"), root.join("lib/tool")).unwrap(),
            Some("inode"),
        );
        check(
            |root| write(root.join("lib/tool"), "longer").unwrap(),
            Some("size"),
        );
        check(
            |root| {
                let path = root.join("lib/tool");
                let time = fs::metadata(&path).unwrap().modified().unwrap();
                write(&path, "eno").unwrap();
                File::options()
                    .write(true)
                    .open(&path)
                    .unwrap()
                    .set_modified(time)
                    .unwrap();
            },
            Some("its inode was changed"),
        );
        check(
            |root| set_permissions(root.join("lib/tool"), Permissions::from_mode(0o711)).unwrap(),
            Some("mode"),
        );
        check(
            |root| hard_link(root.join("lib/tool"), root.join("lib/second")).unwrap(),
            Some("its inode was changed"),
        );
        check(
            |root| {
                fs::remove_file(root.join("bin/tool")).unwrap();
                symlink("../lib/other", root.join("bin/tool")).unwrap();
            },
            Some("now leads to"),
        );
        check(
            |root| fs::remove_file(root.join("lib/tool")).unwrap(),
            Some("No such file"),
        );
    }

    #[test]
    fn a_program_is_writable_if_any_link_to_it_is() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for name in ["bin", "lib", "plugin"] {
            fs::create_dir(root.join(name)).unwrap();
        }
        write(root.join("lib/tool"), "one").unwrap();
        symlink("../lib/tool", root.join("plugin/tool")).unwrap();
        symlink("../plugin/tool", root.join("bin/tool")).unwrap();
        let pinned = PinnedFile::new(&root.join("bin/tool")).unwrap();
        for (name, below) in [
            ("bin", true),
            ("plugin", true),
            ("lib", true),
            ("li", false),
        ] {
            let found = pinned.lies_below(&[root.join(name)]);
            assert_eq!(found.is_some(), below, "{name}: {found:?}");
        }
    }

    #[test]
    fn the_digest_is_of_the_pinned_content() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("tool");
        write(&path, "abc").unwrap();
        let pinned = PinnedFile::new(&path).unwrap();
        assert_eq!(pinned.digest().unwrap(), Digest::of(b"abc"));
        let identity = pinned.identity().unwrap();
        assert_eq!(identity.digest, Some(Digest::of(b"abc")));
        assert_eq!(identity.inode, fs::metadata(&path).unwrap().ino());
        let pinned = PinnedFile::new(&path).unwrap();
        write(&path, "abcd").unwrap();
        assert!(pinned.digest().is_err());
        assert!(pinned.identity().unwrap_err().what.contains("size"));
    }
}
