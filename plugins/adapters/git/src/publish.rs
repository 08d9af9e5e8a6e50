//! Brings what was made in the git directory of our own into the repository.
//!
//! Objects first: nothing refers to them yet. Then, under the locks that git itself takes, the index and
//! the ref are compared with what was read in the beginning, and replaced by rename: the index first,
//! because a repository whose index is ahead has the change staged, while one whose ref is ahead would
//! take the change back with the next commit. Never: a lock that is not ours removed; a ref that is
//! not what it was; a write through a link.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::refs;
use crate::refusal::Refusal;
use crate::sealed::{self, INDEX_BEFORE, MOST_INDEX, MOST_OF_A_REF};

/// Most new objects of one change: a tree and a blob for each of the files that `status` lists.
const MOST_OBJECTS: usize = 50_000;
const INDEX: &str = "index";
const HEAD: &str = "HEAD";

/// Told before each step that changes the repository. Tests look at what a crash there would leave.
pub(crate) type Watch<'a> = &'a mut dyn FnMut(&'static str);

/// The two git directories: ours, and the repository's.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    pub(crate) ours: PathBuf,
    pub(crate) theirs: PathBuf,
}

/// A branch that moves.
#[derive(Debug)]
pub(crate) struct Move<'a> {
    /// The full name.
    pub(crate) name: &'a str,
    pub(crate) old: Option<&'a str>,
    pub(crate) new: &'a str,
    /// What the log of the ref says after the two ids: who, when and what.
    pub(crate) log: &'a str,
}

/// A lock as git makes it: a file that only one can create, and that becomes what it locks.
struct Lock {
    git: PathBuf,
    name: String,
    held: bool,
}

impl Lock {
    fn take(git: &Path, name: &str) -> Result<Self, Refusal> {
        refs::real_directories(git, name)?;
        let lock = format!("{name}.lock");
        let path = git.join(&lock);
        match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(_) => Ok(Self {
                git: git.to_owned(),
                name: name.to_owned(),
                held: true,
            }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Refusal::locked(&lock))
            }
            Err(error) => Err(Refusal::io(&format!(".git/{lock}"), &error)),
        }
    }

    fn path(&self) -> PathBuf {
        self.git.join(format!("{}.lock", self.name))
    }

    /// Writes what is to be there.
    fn fill(&self, bytes: &[u8], time: Option<SystemTime>) -> Result<(), Refusal> {
        let written = OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(self.path())
            .and_then(|mut file| {
                file.write_all(bytes)?;
                file.sync_all()?;
                time.map_or(Ok(()), |time| file.set_modified(time))
            });
        written.map_err(|error| Refusal::io(&format!(".git/{}.lock", self.name), &error))
    }

    /// Puts it in the place of what is locked.
    fn put(mut self) -> Result<(), Refusal> {
        fs::rename(self.path(), self.git.join(&self.name))
            .map_err(|error| Refusal::io(&format!(".git/{}", self.name), &error))?;
        self.held = false;
        Ok(())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.held {
            drop(fs::remove_file(self.path()));
        }
    }
}

/// Whether the index could be replaced now: it may be written, and no other git is at work.
///
/// # Errors
/// It cannot.
pub(crate) fn probe(git: &Path) -> Result<(), Refusal> {
    drop(Lock::take(git, HEAD)?);
    drop(Lock::take(git, INDEX)?);
    Ok(())
}

/// Brings a commit: objects, index, ref. Returns what was written, below the workspace.
///
/// # Errors
/// Another git is at work, or changed the index or the branch; then both are as they were.
pub(crate) fn commit(
    places: &Places,
    moved: &Move<'_>,
    watch: Watch<'_>,
) -> Result<Vec<String>, Refusal> {
    let mut written = objects(places, watch)?;
    let git = &places.theirs;
    let index = Lock::take(git, INDEX)?;
    let head = Lock::take(git, HEAD)?;
    make_directories(git, moved.name)?;
    let branch = Lock::take(git, moved.name)?;
    watch("locked");
    same_index(places)?;
    if refs::file(git, HEAD, MOST_OF_A_REF)? != refs::file(&places.ours, HEAD, MOST_OF_A_REF)? {
        return Err(Refusal::moved("ref-moved", "`HEAD` points elsewhere now"));
    }
    compare(git, moved)?;
    branch.fill(format!("{}\n", moved.new).as_bytes(), None)?;
    let changed = fill_index(places, &index)?;
    watch("index");
    if changed {
        index.put()?;
        written.push(format!(".git/{INDEX}"));
    } else {
        drop(index);
    }
    watch("ref");
    let logged = append_logs(git, moved);
    if let Err(refusal) = branch.put() {
        restore_index(places);
        return Err(refusal);
    }
    watch("done");
    drop(head);
    written.push(format!(".git/{}", moved.name));
    written.extend(logged);
    Ok(written)
}

/// Brings the index alone, and the objects that it names.
///
/// # Errors
/// Another git is at work or changed the index; then it is as it was.
pub(crate) fn index(places: &Places, watch: Watch<'_>) -> Result<Vec<String>, Refusal> {
    let mut written = objects(places, watch)?;
    let lock = Lock::take(&places.theirs, INDEX)?;
    same_index(places)?;
    let changed = fill_index(places, &lock)?;
    watch("index");
    if changed {
        lock.put()?;
        written.push(format!(".git/{INDEX}"));
    }
    Ok(written)
}

/// Makes a branch that is not there yet. Returns what was written.
///
/// # Errors
/// It is there, or another is in the way.
pub(crate) fn branch(
    git: &Path,
    moved: &Move<'_>,
    watch: Watch<'_>,
) -> Result<Vec<String>, Refusal> {
    if let Some(other) = refs::in_the_way(git, moved.name)? {
        let message = format!("`{}` cannot be beside `{other}`", moved.name);
        return Err(Refusal::usage("in-the-way", message));
    }
    make_directories(git, moved.name)?;
    let lock = Lock::take(git, moved.name)?;
    if refs::current(git, moved.name)?.is_some() {
        let message = format!("there is a branch `{}` already", moved.name);
        return Err(Refusal::usage("exists", message));
    }
    lock.fill(format!("{}\n", moved.new).as_bytes(), None)?;
    watch("ref");
    lock.put()?;
    Ok(vec![format!(".git/{}", moved.name)])
}

fn compare(git: &Path, moved: &Move<'_>) -> Result<(), Refusal> {
    let now = refs::current(git, moved.name)?;
    if now.as_deref() == moved.old {
        return Ok(());
    }
    let say = |id: Option<&str>| id.unwrap_or("nothing").to_owned();
    let message = format!(
        "`{}` was at {} and is at {} now: somebody changed it meanwhile, so nothing was done",
        moved.name,
        say(moved.old),
        say(now.as_deref())
    );
    Err(Refusal::moved("ref-moved", message))
}

fn same_index(places: &Places) -> Result<(), Refusal> {
    let now = refs::file(&places.theirs, INDEX, MOST_INDEX)?;
    if now == refs::file(&places.ours, INDEX_BEFORE, MOST_INDEX)? {
        return Ok(());
    }
    let message = "the index was changed meanwhile, by another git; nothing was done";
    Err(Refusal::moved("index-moved", message))
}

/// Writes the new index, if it is another one. It keeps the time at which git made it, see
/// [`sealed::seal`].
fn fill_index(places: &Places, lock: &Lock) -> Result<bool, Refusal> {
    let new = refs::file(&places.ours, INDEX, MOST_INDEX)?;
    if new == refs::file(&places.ours, INDEX_BEFORE, MOST_INDEX)? {
        return Ok(false);
    }
    let path = places.ours.join(INDEX);
    let time = fs::metadata(path).and_then(|found| found.modified()).ok();
    lock.fill(&new.unwrap_or_default(), time)?;
    Ok(true)
}

/// Puts the old index back; if that fails too, the change is staged and not committed.
fn restore_index(places: &Places) {
    let Ok(lock) = Lock::take(&places.theirs, INDEX) else {
        return;
    };
    match refs::file(&places.ours, INDEX_BEFORE, MOST_INDEX) {
        Ok(Some(bytes)) if lock.fill(&bytes, None).is_ok() => drop(lock.put()),
        Ok(None) => drop(fs::remove_file(places.theirs.join(INDEX))),
        Ok(Some(_)) | Err(_) => {}
    }
}

/// Writes to the logs of the ref and of `HEAD` where the repository keeps them. They are no part of
/// what makes it valid, so that one which cannot be written does not stop a commit.
fn append_logs(git: &Path, moved: &Move<'_>) -> Vec<String> {
    let zeros = "0".repeat(moved.new.len());
    let old = moved.old.unwrap_or(&zeros);
    let line = format!("{old} {} {}\n", moved.new, moved.log);
    let mut written = Vec::new();
    for name in [format!("logs/{HEAD}"), format!("logs/{}", moved.name)] {
        let path = git.join(&name);
        let there = fs::symlink_metadata(&path).is_ok_and(|found| found.is_file());
        if !there || refs::real_directories(git, &name).is_err() {
            continue;
        }
        let file = OpenOptions::new().append(true).open(path);
        if file
            .and_then(|mut file| file.write_all(line.as_bytes()))
            .is_ok()
        {
            written.push(format!(".git/{name}"));
        }
    }
    written
}

fn make_directories(git: &Path, name: &str) -> Result<(), Refusal> {
    refs::real_directories(git, name)?;
    let path = git.join(name);
    let parent = path.parent().unwrap_or(git);
    // Asking for one that is there would be on record as denied where only files may be written.
    if parent.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(parent).map_err(|error| Refusal::io(&format!(".git/{name}"), &error))
}

/// Copies the objects that the repository does not have: single ones, and packs, of which the index
/// comes last, because git sees a pack by its index.
fn objects(places: &Places, watch: Watch<'_>) -> Result<Vec<String>, Refusal> {
    let mut names = Vec::new();
    for directory in names_in(&places.ours.join("objects"))? {
        let hex = directory.len() == 2 && directory.bytes().all(|one| one.is_ascii_hexdigit());
        if !hex && directory != "pack" {
            continue;
        }
        for name in names_in(&places.ours.join("objects").join(&directory))? {
            let end = name.rsplit_once('.').map(|(_, end)| end);
            let whole = match end {
                Some(end) => !hex && matches!(end, "pack" | "rev" | "idx"),
                None => hex && refs::is_id(&format!("{directory}{name}")),
            };
            if whole {
                names.push((end == Some("idx"), format!("objects/{directory}/{name}")));
            }
        }
    }
    if names.len() > MOST_OBJECTS {
        let message = format!("more than {MOST_OBJECTS} new objects; commit in parts");
        return Err(Refusal::limit(message));
    }
    names.sort();
    watch("objects");
    let mut written = Vec::new();
    for (_, name) in names {
        if object(places, &name)? {
            written.push(format!(".git/{name}"));
        }
    }
    watch("objects-there");
    Ok(written)
}

/// Copies one, if it is not there. Git removes files named `tmp_obj_` itself if we do not come to it.
fn object(places: &Places, name: &str) -> Result<bool, Refusal> {
    let git = &places.theirs;
    let failed = |error: io::Error| Refusal::io(&format!(".git/{name}"), &error);
    let target = git.join(name);
    make_directories(git, name)?;
    if fs::symlink_metadata(&target).is_ok() {
        return Ok(false);
    }
    let parent = target.parent().unwrap_or(git);
    let own = name.rsplit_once('/').map_or(name, |(_, own)| own);
    let temporary = parent.join(format!("tmp_obj_{own}"));
    drop(fs::remove_file(&temporary));
    let mut from = File::open(places.ours.join(name)).map_err(failed)?;
    let copied = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&temporary)
        .and_then(|mut to| io::copy(&mut from, &mut to).and_then(|_| to.sync_all()))
        .and_then(|()| fs::rename(&temporary, &target));
    if let Err(error) = copied {
        drop(fs::remove_file(&temporary));
        return Err(failed(error));
    }
    Ok(true)
}

fn names_in(directory: &Path) -> Result<Vec<String>, Refusal> {
    let failed = |error: io::Error| Refusal::io("the scratch directory", &error);
    let mut names = Vec::new();
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        names.extend(entry.map_err(failed)?.file_name().into_string());
    }
    Ok(names)
}

/// Keeps the index as it was read, to compare and to put back.
///
/// # Errors
/// The scratch directory cannot be written.
pub(crate) fn keep_index(places: &Places) -> Result<(), Refusal> {
    let from = places.ours.join(INDEX);
    if !sealed::is_file(&from) {
        return Ok(());
    }
    fs::copy(from, places.ours.join(INDEX_BEFORE))
        .map(|_| ())
        .map_err(|error| Refusal::io("the scratch directory", &error))
}
