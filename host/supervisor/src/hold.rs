//! Starting the tool under the strongest hold that the kernel gives here.
//!
//! Never: a weaker hold reported as a stronger one.

#![expect(
    clippy::disallowed_methods,
    reason = "the files are the kernel's own, below /proc; no name in a path comes from a tool"
)]

use std::os::fd::OwnedFd;

use remit_supervisor::protocol::{Failure, Holding, Step, Wish};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, getegid, geteuid, getpid, kill_process};

use crate::control::{Received, at};
use crate::init;
use crate::link::{Link, Word};
use crate::sys::{self, Namespaces, Side};
use crate::tool::{self, Plan, Tie};

/// A started tree.
pub(crate) struct Tree {
    /// The process whose end is the end of the tool: init, or the tool itself.
    pub(crate) head: Pid,
    /// The way to init; none without a namespace.
    pub(crate) link: Option<Link>,
    /// Where a step that failed after the fork is told. It ends without a word when the program
    /// executes.
    pub(crate) failure: OwnedFd,
}

impl Tree {
    /// What holds it.
    pub(crate) fn holding(&self) -> Holding {
        match self.link {
            Some(_) => Holding::PidNamespace,
            None => Holding::Subreaper,
        }
    }
}

/// The numbers with which a kernel says that it does not give a namespace here: not allowed, not
/// built in, too many, too deep.
const NO_NAMESPACE: [Errno; 6] = [
    Errno::PERM,
    Errno::ACCESS,
    Errno::INVAL,
    Errno::NOSPC,
    Errno::USERS,
    Errno::NOSYS,
];

/// Starts the tool's tree.
///
/// # Errors
/// A step in this process failed; nothing is left running.
pub(crate) fn start(received: Received) -> Result<Tree, Failure> {
    let wish = received.request.wish;
    let plan = Plan::new(received)?;
    let (failure, told) =
        pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).map_err(at(Step::Fork))?;
    let kinds: &[Namespaces] = match wish {
        // A user namespace keeps even a tool that runs as root from leaving the tree, so it comes
        // first. Without it a PID namespace still ends with its first process.
        Wish::Strongest => &[Namespaces::UserAndPid, Namespaces::Pid],
        Wish::SubreaperOnly => &[],
    };
    for kind in kinds {
        match make_init(*kind)? {
            Made::Init(link) => init::run(&link, plan, told),
            Made::Child(head, link) => {
                return Ok(Tree {
                    head,
                    link: Some(link),
                    failure,
                });
            }
            Made::Nothing => {}
        }
    }
    let supervisor = getpid();
    match sys::fork(Namespaces::None).map_err(at(Step::Fork))? {
        Side::Child => tool::become_tool(&plan, &told, Tie::To(supervisor)),
        Side::Parent(head) => Ok(Tree {
            head,
            link: None,
            failure,
        }),
    }
}

/// What came of making a first process.
enum Made {
    /// The caller is the first process of the new namespace.
    Init(Link),
    /// The caller is the supervisor; init is tied to it and goes on.
    Child(Pid, Link),
    /// The kernel does not give such a namespace here.
    Nothing,
}

/// Makes init in new namespaces.
fn make_init(kind: Namespaces) -> Result<Made, Failure> {
    let (ours, theirs) = Link::pair().map_err(at(Step::Fork))?;
    let head = match sys::fork(kind) {
        // Dropping our end here matters: with a copy of it, init would never see the supervisor
        // go.
        Ok(Side::Child) => return Ok(Made::Init(theirs)),
        Ok(Side::Parent(head)) => head,
        Err(errno) if NO_NAMESPACE.contains(&errno) => return Ok(Made::Nothing),
        Err(errno) => {
            return Err(Failure {
                step: Step::Fork,
                errno: errno.raw_os_error(),
            });
        }
    };
    drop(theirs);
    let mapped = match kind {
        Namespaces::UserAndPid => map_identities(head),
        Namespaces::Pid | Namespaces::None => true,
    };
    if mapped && ours.hear() == Some(Word::Ready) {
        ours.say(Word::Go);
        return Ok(Made::Child(head, ours));
    }
    // The child waits for a word that will not come; it has done nothing yet.
    let _ = kill_process(head, Signal::KILL);
    drop(sys::reap(true));
    Ok(Made::Nothing)
}

/// Gives a new user namespace the same user and group numbers as outside. Says whether that
/// worked.
fn map_identities(head: Pid) -> bool {
    let file = |name: &str| format!("/proc/{}/{name}", head.as_raw_nonzero());
    let write = |name: &str, content: &str| std::fs::write(file(name), content).is_ok();
    // Root may map everyone: files of other users keep their owners and stay usable, as they are
    // for root outside.
    if geteuid().is_root()
        && let (Some(users), Some(groups)) = (everyone("uid_map"), everyone("gid_map"))
        && write("uid_map", &users)
    {
        return write("gid_map", &groups);
    }
    // Everybody else may map only themselves, and only after giving up to change groups.
    write("setgroups", "deny")
        && write("uid_map", &itself(geteuid().as_raw()))
        && write("gid_map", &itself(getegid().as_raw()))
}

/// The map of one number to itself.
fn itself(id: u32) -> String {
    format!("{id} {id} 1\n")
}

/// The map of every number of this namespace to itself.
fn everyone(name: &str) -> Option<String> {
    let own = std::fs::read_to_string(format!("/proc/self/{name}")).ok()?;
    same_inside(&own)
}

/// Turns a map `inside outside count` into `inside inside count`.
fn same_inside(map: &str) -> Option<String> {
    let mut same = String::new();
    for line in map.lines() {
        let mut words = line.split_ascii_whitespace();
        let (first, _outside, count) = (words.next()?, words.next()?, words.next()?);
        same.push_str(&format!("{first} {first} {count}\n"));
    }
    (!same.is_empty()).then_some(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_repeated_with_the_numbers_of_this_namespace() {
        fn check(map: &str, expected: Option<&str>) {
            assert_eq!(same_inside(map).as_deref(), expected, "{map:?}");
        }
        check(
            "         0          0 4294967295\n",
            Some("0 0 4294967295\n"),
        );
        check("0 100000 1000\n1000 5 1\n", Some("0 0 1000\n1000 1000 1\n"));
        check("", None);
        check("0 0\n", None);
    }
}
