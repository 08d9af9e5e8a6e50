//! Compiled components on disk, so that a plugin is compiled once per machine and engine.
//!
//! An entry is named by the component's digest and everything that the engine says its output
//! depends on; next to it stands the digest of the compiled code. Loading compiled code is the one
//! thing here that must trust bytes, so an entry is used only if it lies in a directory that no
//! one else can write, belongs to this user, and matches its digest. Never: compiled code from
//! anywhere else.

use std::hash::{Hash as _, Hasher as _};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use cap_std::ambient_authority;
use cap_std::fs::{
    Dir, DirBuilder, DirBuilderExt as _, MetadataExt as _, OpenOptions, OpenOptionsExt as _,
    PermissionsExt as _,
};
use remit_core::digest::Digest;
use wasmtime::Engine;
use wasmtime::component::Component;

/// Directory mode: nobody else can put code there.
const DIR_MODE: u32 = 0o700;
/// File mode of an entry.
const FILE_MODE: u32 = 0o600;

/// The cache of one engine.
pub struct Cache {
    // What the engine's output depends on, as a number.
    engine: u64,
    place: Option<PathBuf>,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("place", &self.place).finish()
    }
}

impl Cache {
    pub(crate) fn new(engine: &Engine, place: Option<PathBuf>) -> Self {
        // SipHash with fixed keys: the same in every process.
        #[expect(
            deprecated,
            reason = "the only hasher of std that is the same in every process"
        )]
        let mut hasher = std::hash::SipHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Self {
            engine: hasher.finish(),
            place,
        }
    }

    /// The compiled form of a component, if a trustworthy entry is there.
    pub(crate) fn load(&self, engine: &Engine, digest: &Digest) -> Option<Component> {
        let place = self.place.as_ref()?;
        let dir = open_private(place)?;
        let name = self.name(digest);
        let expected = read(&dir, &format!("{name}.sha256"))?;
        let code = read(&dir, &format!("{name}.cwasm"))?;
        if Digest::of(&code).to_string().as_bytes() != expected {
            tracing::warn!(entry = %name, "compiled component does not match its digest; compiling anew");
            return None;
        }
        drop(code);
        load_file(engine, &place.join(format!("{name}.cwasm")))
    }

    /// Keeps the compiled form of a component. Failing to is no error: the next run compiles again.
    pub(crate) fn store(&self, digest: &Digest, component: &Component) {
        let Some(place) = self.place.as_ref() else {
            return;
        };
        let Ok(code) = component.serialize() else {
            return;
        };
        let Some(dir) = open_private(place) else {
            return;
        };
        let name = self.name(digest);
        let sum = Digest::of(&code).to_string();
        let kept = write(&dir, &format!("{name}.cwasm"), &code)
            .and_then(|()| write(&dir, &format!("{name}.sha256"), sum.as_bytes()));
        if let Err(error) = kept {
            tracing::warn!(place = %place.display(), %error, "compiled component was not kept");
        }
    }

    fn name(&self, digest: &Digest) -> String {
        format!("{}-{:016x}", digest.to_hex(), self.engine)
    }
}

/// Opens the cache directory, making it if need be; `None` if it is not ours alone.
fn open_private(place: &std::path::Path) -> Option<Dir> {
    let parent = place.parent()?;
    let name = place.file_name()?;
    let holder = match Dir::open_ambient_dir(parent, ambient_authority()) {
        Ok(holder) => holder,
        Err(_) => {
            Dir::create_ambient_dir_all(parent, ambient_authority()).ok()?;
            Dir::open_ambient_dir(parent, ambient_authority()).ok()?
        }
    };
    let mut builder = DirBuilder::new();
    builder.mode(DIR_MODE);
    // It may exist already; what counts is what it is.
    drop(holder.create_dir_with(name, &builder));
    let dir = holder.open_dir_nofollow_compat(name)?;
    let found = dir.dir_metadata().ok()?;
    let owned = found.uid() == rustix::process::geteuid().as_raw();
    if owned && found.permissions().mode() & 0o077 == 0 {
        return Some(dir);
    }
    tracing::warn!(
        place = %place.display(),
        name = %String::from_utf8_lossy(name.as_bytes()),
        "the cache directory can be changed by others; not used. Fix: chmod 700"
    );
    None
}

trait OpenNoFollow {
    fn open_dir_nofollow_compat(&self, name: &std::ffi::OsStr) -> Option<Dir>;
}

impl OpenNoFollow for Dir {
    /// Opens a directory that is not a link.
    fn open_dir_nofollow_compat(&self, name: &std::ffi::OsStr) -> Option<Dir> {
        let found = self.symlink_metadata(name).ok()?;
        if !found.is_dir() {
            return None;
        }
        self.open_dir(name).ok()
    }
}

fn read(dir: &Dir, name: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    dir.open(name).ok()?.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Writes under another name first, so that no reader sees half an entry.
fn write(dir: &Dir, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let temporary = format!("{name}.{}", rustix::process::getpid().as_raw_nonzero());
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(FILE_MODE);
    dir.open_with(&temporary, &options)?.write_all(bytes)?;
    dir.rename(&temporary, dir, name)
}

#[expect(
    unsafe_code,
    reason = "wasmtime cannot check compiled code; the caller has"
)]
fn load_file(engine: &Engine, path: &std::path::Path) -> Option<Component> {
    // SAFETY: the file was written by `store` of this program (only this user can write the
    // directory), for an engine with the same compatibility hash, and its bytes were just compared
    // with the digest that was stored with them.
    match unsafe { Component::deserialize_file(engine, path) } {
        Ok(component) => Some(component),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "compiled component cannot be loaded; compiling anew");
            None
        }
    }
}
