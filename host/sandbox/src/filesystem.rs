//! `wasi:filesystem`, with the rules of the grants in front of every function that takes a path or
//! opens something. What was opened is judged again by what it turned out to be, so that a link
//! swapped in between gains nothing.
//!
//! Guests make no links: tools that run later in the same directory would follow them. Never: a
//! function that passes a path on unjudged.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::io::Errno;
use wasmtime::Result;
use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::filesystem::{Descriptor, Dir, WasiFilesystemCtxView, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    self, DescriptorFlags, ErrorCode, HostDescriptor, HostDirectoryEntryStream, OpenFlags,
    PathFlags,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult};
use wasmtime_wasi::{FsPerms, OpenMode};

use crate::access::{Access, GUEST_ROOT, GUEST_SCRATCH, Intent, Refusal};
use crate::store::StoreData;

/// The guarded file system of one store.
pub(crate) struct Guarded<'a> {
    inner: WasiFilesystemCtxView<'a>,
    access: Arc<Access>,
}

/// Names [`Guarded`] to the linker.
pub(crate) struct GuardedFilesystem;

impl HasData for GuardedFilesystem {
    type Data<'a> = Guarded<'a>;
}

pub(crate) fn view(data: &mut StoreData) -> Guarded<'_> {
    let access = Arc::clone(&data.access);
    Guarded {
        inner: data.filesystem(),
        access,
    }
}

type Handle = Resource<Descriptor>;

impl Guarded<'_> {
    /// A second handle on what a descriptor holds, so that judging borrows nothing.
    fn object(&self, fd: &Handle) -> FsResult<OwnedFd> {
        let file = match self.inner.table.get(fd)? {
            Descriptor::Dir(dir) => Arc::clone(&dir.dir),
            Descriptor::File(file) => Arc::clone(&file.file),
        };
        file.as_fd()
            .try_clone_to_owned()
            .map_err(|_| ErrorCode::Io.into())
    }

    /// A handle on a directory that the guest has from the beginning.
    fn preopen(&mut self, directory: &File, writable: bool) -> Result<Handle> {
        let (perms, mode) = if writable {
            (FsPerms::ReadWrite, OpenMode::READ | OpenMode::WRITE)
        } else {
            (FsPerms::ReadOnly, OpenMode::READ)
        };
        let dir = Dir::new(directory.try_clone()?, perms, mode, false);
        Ok(self.inner.table.push(Descriptor::Dir(dir))?)
    }

    /// Judges what a path names below a directory.
    fn judge_at(&self, fd: &Handle, path: &str, follow: bool, intent: Intent) -> FsResult<Verdict> {
        let access = Arc::clone(&self.access);
        let dir = self.object(fd)?;
        let outcome = access.check_at(dir.as_fd(), path, follow, intent);
        Ok(Verdict { access, outcome })
    }

    /// Judges what a descriptor holds.
    fn judge_held(&self, fd: &Handle, intent: Intent) -> FsResult<Verdict> {
        let access = Arc::clone(&self.access);
        let object = self.object(fd)?;
        let outcome = access.check_open(object.as_fd(), intent);
        Ok(Verdict { access, outcome })
    }

    /// Judges what must not be moved or removed as a whole, if a rule forbids something inside.
    fn judge_whole(&self, fd: &Handle, path: &str) -> FsResult<Verdict> {
        let access = Arc::clone(&self.access);
        let dir = self.object(fd)?;
        let outcome = access.check_whole(dir.as_fd(), path);
        Ok(Verdict { access, outcome })
    }
}

/// What the rules say of one request.
struct Verdict {
    access: Arc<Access>,
    outcome: std::result::Result<(), Refusal>,
}

impl Verdict {
    /// Puts a denial on record, and answers the guest.
    async fn settle(self) -> FsResult<()> {
        match self.outcome {
            Ok(()) => Ok(()),
            Err(Refusal::Errno(errno)) => Err(code(errno).into()),
            Err(Refusal::Denied(denial)) => {
                self.access.deny(*denial).await.map_err(FsError::trap)?;
                Err(ErrorCode::NotPermitted.into())
            }
        }
    }
}

fn code(errno: Errno) -> ErrorCode {
    ErrorCode::from(std::io::Error::from(errno))
}

fn follows(flags: PathFlags) -> bool {
    flags.contains(PathFlags::SYMLINK_FOLLOW)
}

impl preopens::Host for Guarded<'_> {
    fn get_directories(&mut self) -> Result<Vec<(Handle, String)>> {
        let access = Arc::clone(&self.access);
        let mut directories = Vec::with_capacity(2);
        if let Some(root) = access.workspace() {
            let handle = self.preopen(root, access.is_writable())?;
            directories.push((handle, GUEST_ROOT.to_owned()));
        }
        if let Some(scratch) = access.scratch() {
            let handle = self.preopen(scratch, true)?;
            directories.push((handle, GUEST_SCRATCH.to_owned()));
        }
        Ok(directories)
    }
}

impl types::Host for Guarded<'_> {
    fn convert_error_code(&mut self, error: FsError) -> Result<ErrorCode> {
        self.inner.convert_error_code(error)
    }
    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> Result<Option<ErrorCode>> {
        self.inner.filesystem_error_code(error)
    }
}

/// What opening with these flags amounts to.
fn intents(open: OpenFlags, flags: DescriptorFlags) -> Vec<Intent> {
    let mut intents = Vec::with_capacity(2);
    if open.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE)
        || flags.contains(DescriptorFlags::WRITE)
    {
        intents.push(Intent::Write);
    }
    if flags.contains(DescriptorFlags::READ) {
        intents.push(Intent::Read);
    }
    if intents.is_empty() {
        intents.push(Intent::Look);
    }
    intents
}

impl HostDescriptor for Guarded<'_> {
    async fn open_at(
        &mut self,
        fd: Handle,
        path_flags: PathFlags,
        path: String,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Handle> {
        let intents = intents(open, flags);
        for intent in &intents {
            self.judge_at(&fd, &path, follows(path_flags), *intent)?
                .settle()
                .await?;
        }
        // Truncating happens only after the opened object was judged.
        let truncate = open.contains(OpenFlags::TRUNCATE);
        let open = if truncate {
            open ^ OpenFlags::TRUNCATE
        } else {
            open
        };
        let opened = self
            .inner
            .open_at(fd, path_flags, path, open, flags)
            .await?;
        let borrowed = || Resource::new_borrow(opened.rep());
        for intent in &intents {
            if let Err(error) = self.judge_held(&borrowed(), *intent)?.settle().await {
                self.inner.table.delete(opened)?;
                return Err(error);
            }
        }
        if truncate {
            self.inner.set_size(borrowed(), 0).await?;
        }
        Ok(opened)
    }

    async fn stat_at(
        &mut self,
        fd: Handle,
        flags: PathFlags,
        path: String,
    ) -> FsResult<types::DescriptorStat> {
        self.judge_at(&fd, &path, follows(flags), Intent::Look)?
            .settle()
            .await?;
        self.inner.stat_at(fd, flags, path).await
    }

    async fn metadata_hash_at(
        &mut self,
        fd: Handle,
        flags: PathFlags,
        path: String,
    ) -> FsResult<types::MetadataHashValue> {
        self.judge_at(&fd, &path, follows(flags), Intent::Look)?
            .settle()
            .await?;
        self.inner.metadata_hash_at(fd, flags, path).await
    }

    async fn readlink_at(&mut self, fd: Handle, path: String) -> FsResult<String> {
        self.judge_at(&fd, &path, false, Intent::Read)?
            .settle()
            .await?;
        self.inner.readlink_at(fd, path).await
    }

    async fn set_times_at(
        &mut self,
        fd: Handle,
        flags: PathFlags,
        path: String,
        accessed: types::NewTimestamp,
        modified: types::NewTimestamp,
    ) -> FsResult<()> {
        self.judge_at(&fd, &path, follows(flags), Intent::Write)?
            .settle()
            .await?;
        self.inner
            .set_times_at(fd, flags, path, accessed, modified)
            .await
    }

    async fn create_directory_at(&mut self, fd: Handle, path: String) -> FsResult<()> {
        self.judge_at(&fd, &path, false, Intent::Write)?
            .settle()
            .await?;
        self.inner.create_directory_at(fd, path).await
    }

    async fn remove_directory_at(&mut self, fd: Handle, path: String) -> FsResult<()> {
        self.judge_at(&fd, &path, false, Intent::Write)?
            .settle()
            .await?;
        self.inner.remove_directory_at(fd, path).await
    }

    async fn unlink_file_at(&mut self, fd: Handle, path: String) -> FsResult<()> {
        self.judge_at(&fd, &path, false, Intent::Write)?
            .settle()
            .await?;
        self.inner.unlink_file_at(fd, path).await
    }

    async fn rename_at(
        &mut self,
        fd: Handle,
        path: String,
        new_fd: Handle,
        new_path: String,
    ) -> FsResult<()> {
        // As between two file systems: what is moved into the scratch directory would leave the
        // rules for its old place behind.
        if !self
            .access
            .are_together(self.object(&fd)?.as_fd(), self.object(&new_fd)?.as_fd())
        {
            return Err(ErrorCode::CrossDevice.into());
        }
        self.judge_whole(&fd, &path)?.settle().await?;
        self.judge_at(&fd, &path, false, Intent::Write)?
            .settle()
            .await?;
        self.judge_at(&new_fd, &new_path, false, Intent::Write)?
            .settle()
            .await?;
        self.inner.rename_at(fd, path, new_fd, new_path).await
    }

    async fn link_at(
        &mut self,
        _fd: Handle,
        _flags: PathFlags,
        _path: String,
        _new_fd: Handle,
        _new_path: String,
    ) -> FsResult<()> {
        Err(ErrorCode::NotPermitted.into())
    }

    async fn symlink_at(&mut self, _fd: Handle, _target: String, _path: String) -> FsResult<()> {
        Err(ErrorCode::NotPermitted.into())
    }

    async fn read_directory(
        &mut self,
        fd: Handle,
    ) -> FsResult<Resource<types::DirectoryEntryStream>> {
        self.judge_held(&fd, Intent::Read)?.settle().await?;
        self.inner.read_directory(fd).await
    }

    // What follows works on an object that was judged when it was opened.

    async fn advise(
        &mut self,
        fd: Handle,
        offset: u64,
        length: u64,
        advice: types::Advice,
    ) -> FsResult<()> {
        self.inner.advise(fd, offset, length, advice).await
    }
    async fn sync_data(&mut self, fd: Handle) -> FsResult<()> {
        self.inner.sync_data(fd).await
    }
    async fn sync(&mut self, fd: Handle) -> FsResult<()> {
        self.inner.sync(fd).await
    }
    async fn get_flags(&mut self, fd: Handle) -> FsResult<DescriptorFlags> {
        self.inner.get_flags(fd).await
    }
    async fn get_type(&mut self, fd: Handle) -> FsResult<types::DescriptorType> {
        self.inner.get_type(fd).await
    }
    async fn set_size(&mut self, fd: Handle, size: u64) -> FsResult<()> {
        self.judge_held(&fd, Intent::Write)?.settle().await?;
        self.inner.set_size(fd, size).await
    }
    async fn set_times(
        &mut self,
        fd: Handle,
        accessed: types::NewTimestamp,
        modified: types::NewTimestamp,
    ) -> FsResult<()> {
        self.judge_held(&fd, Intent::Write)?.settle().await?;
        self.inner.set_times(fd, accessed, modified).await
    }
    async fn read(&mut self, fd: Handle, length: u64, offset: u64) -> FsResult<(Vec<u8>, bool)> {
        self.inner.read(fd, length, offset).await
    }
    async fn write(&mut self, fd: Handle, bytes: Vec<u8>, offset: u64) -> FsResult<u64> {
        self.inner.write(fd, bytes, offset).await
    }
    async fn stat(&mut self, fd: Handle) -> FsResult<types::DescriptorStat> {
        self.inner.stat(fd).await
    }
    async fn is_same_object(&mut self, a: Handle, b: Handle) -> Result<bool> {
        self.inner.is_same_object(a, b).await
    }
    async fn metadata_hash(&mut self, fd: Handle) -> FsResult<types::MetadataHashValue> {
        self.inner.metadata_hash(fd).await
    }
    fn drop(&mut self, fd: Handle) -> Result<()> {
        HostDescriptor::drop(&mut self.inner, fd)
    }
    fn read_via_stream(&mut self, fd: Handle, offset: u64) -> FsResult<Resource<DynInputStream>> {
        self.inner.read_via_stream(fd, offset)
    }
    fn write_via_stream(&mut self, fd: Handle, offset: u64) -> FsResult<Resource<DynOutputStream>> {
        self.inner.write_via_stream(fd, offset)
    }
    fn append_via_stream(&mut self, fd: Handle) -> FsResult<Resource<DynOutputStream>> {
        self.inner.append_via_stream(fd)
    }
}

impl HostDirectoryEntryStream for Guarded<'_> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<types::DirectoryEntryStream>,
    ) -> FsResult<Option<types::DirectoryEntry>> {
        self.inner.read_directory_entry(stream).await
    }
    fn drop(&mut self, stream: Resource<types::DirectoryEntryStream>) -> Result<()> {
        HostDirectoryEntryStream::drop(&mut self.inner, stream)
    }
}
