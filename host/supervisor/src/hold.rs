//! Starting the tool under the strongest hold that the kernel gives here.
//!
//! Never: a weaker hold reported as a stronger one.

#![expect(
    clippy::disallowed_methods,
    reason = "the files are the kernel's own, below /proc; no name in a path comes from a tool"
)]

use std::os::fd::OwnedFd;

use remit_supervisor::protocol::{
    Bounds, Failure, Holding, Identity, Level, Machine, Need, Network, Report, Step, Wish,
};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, getegid, geteuid, getpid, kill_process};

use crate::control::{Received, at};
use crate::granted::covers;
use crate::init;
use crate::link::{Link, Word};
use crate::rules;
use crate::sys::{self, Namespaces, Side, privilege};
use crate::tool::{self, Means, Plan, Tie};

/// A started tree.
pub(crate) struct Tree {
    /// The process whose end is the end of the tool: init, or the tool itself.
    pub(crate) head: Pid,
    /// The way to init; none without a namespace.
    pub(crate) link: Option<Link>,
    /// Where a step that failed after the fork is told. It ends without a word when the program
    /// executes.
    pub(crate) failure: OwnedFd,
    /// Sockets on which the host listens in the tool's own network.
    pub(crate) listeners: Vec<OwnedFd>,
    /// How tightly it is confined.
    pub(crate) level: Level,
    /// What the machine gave.
    pub(crate) machine: Machine,
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

/// The numbers with which a kernel says that it does not give something here: not allowed, not
/// built in, too many, too deep.
const NOT_GIVEN: [Errno; 6] = [
    Errno::PERM,
    Errno::ACCESS,
    Errno::INVAL,
    Errno::NOSPC,
    Errno::USERS,
    Errno::NOSYS,
];

/// One way to start the tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// In these namespaces, the tightest with a root of the tool's own.
    In(Namespaces),
    /// As a child like any other.
    Bare,
}

impl Way {
    /// What this way has to confine the tool with.
    fn means(self, machine: Machine) -> Means {
        Means {
            own_root: match self {
                Self::In(Namespaces::Own { .. }) => true,
                Self::In(
                    Namespaces::None | Namespaces::Pid | Namespaces::UserAndPid | Namespaces::User,
                )
                | Self::Bare => false,
            },
            landlock: machine.landlock > 0,
            seccomp: machine.seccomp,
        }
    }
}

/// How tightly these means confine.
fn level(means: Means) -> Level {
    match (means.own_root, means.landlock) {
        // Without a filter of system calls too much is left open to call it anything.
        _ if !means.seccomp => Level::None,
        (true, true) => Level::Full,
        (true, false) => Level::Namespaces,
        (false, true) => Level::Landlock,
        (false, false) => Level::None,
    }
}

/// The ways to try, the strongest first.
fn ways(plan: &Plan, wish: Wish) -> Vec<Way> {
    // A user namespace keeps even a tool that runs as root from leaving the tree, so it comes
    // first. Without it a PID namespace still ends with its first process.
    let held = [Way::In(Namespaces::UserAndPid), Way::In(Namespaces::Pid)];
    let Some(bounds) = &plan.bounds else {
        return match wish {
            Wish::Strongest => [held[0], held[1], Way::Bare].to_vec(),
            Wish::SubreaperOnly => vec![Way::Bare],
        };
    };
    let mut ways = Vec::with_capacity(4);
    if !bounds.without.namespaces {
        ways.push(Way::In(Namespaces::Own {
            network: bounds.network == Network::Full,
            user: bounds.identity == Identity::Own,
        }));
        ways.extend(held);
    }
    ways.push(Way::Bare);
    ways
}

/// What a tool with these bounds cannot have with these means.
fn lacks(bounds: &Bounds, means: Means) -> Option<Need> {
    let foreign = match bounds.identity {
        Identity::Own => false,
        Identity::Service { user, owner, .. } => user != owner.0,
    };
    if level(means) > bounds.minimum {
        Some(Need::Level)
    } else if means.own_root {
        // A mount that can be written can be read.
        let blind = level(means) == Level::Namespaces && has_blind_grant(bounds);
        blind.then_some(Need::WriteOnly)
    } else if foreign {
        Some(Need::ServiceUser)
    } else if bounds.network == Network::Loopback {
        Some(Need::Loopback)
    } else if bounds.covers.iter().any(|cover| cover.required) {
        Some(Need::Covers)
    } else {
        None
    }
}

/// Whether something may be written that may not be read.
fn has_blind_grant(bounds: &Bounds) -> bool {
    let readable = |path: &[u8]| {
        let mut grants = bounds.grants.iter();
        grants.any(|grant| grant.read && covers(&grant.path, path))
    };
    let mut grants = bounds.grants.iter();
    grants.any(|grant| grant.write && !readable(&grant.path))
}

/// Starts the tool's tree.
///
/// # Errors
/// A step in this process failed, or the machine does not give the level that is demanded; the
/// report to send. Nothing is left running.
pub(crate) fn start(received: Received) -> Result<Tree, Report> {
    let wish = received.request.wish;
    let plan = Plan::new(received).map_err(Report::Failed)?;
    let (failure, told) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)
        .map_err(|errno| Report::Failed(at(Step::Fork)(errno)))?;
    let mut machine = look_at_machine(&plan);
    for way in ways(&plan, wish) {
        let means = way.means(machine);
        let level = if plan.bounds.is_some() {
            level(means)
        } else {
            Level::None
        };
        if let Some(need) = plan.bounds.as_ref().and_then(|bounds| lacks(bounds, means)) {
            return Err(Report::TooLoose {
                need,
                best: level,
                machine,
            });
        }
        let tree = |head, link, failure, listeners| Tree {
            head,
            link,
            failure,
            listeners,
            level,
            machine,
        };
        let Way::In(namespaces) = way else {
            let supervisor = getpid();
            return match sys::fork(Namespaces::None) {
                Ok(Side::Child) => tool::become_tool(&plan, &told, Tie::To(supervisor), means),
                Ok(Side::Parent(head)) => Ok(tree(head, None, failure, Vec::new())),
                Err(errno) => Err(Report::Failed(at(Step::Fork)(errno))),
            };
        };
        match make_init(namespaces).map_err(Report::Failed)? {
            Made::Init(link) => init::run(&link, plan, told, means),
            Made::Child(head, link, listeners) => {
                return Ok(tree(head, Some(link), failure, listeners));
            }
            Made::Nothing(refused) if means.own_root => machine.refused = Some(refused),
            Made::Nothing(_) => {}
        }
    }
    // The last way always comes to an end above.
    Err(Report::Failed(at(Step::Fork)(Errno::NOSYS)))
}

/// What can be found out without trying.
fn look_at_machine(plan: &Plan) -> Machine {
    let without = plan.bounds.as_ref().map(|bounds| bounds.without);
    let landlock = match without {
        Some(without) if without.landlock => 0,
        Some(_) => rules::version(),
        None => 0,
    };
    Machine {
        refused: without
            .filter(|without| without.namespaces)
            .map(|_| at(Step::Fork)(Errno::NOSYS)),
        landlock,
        seccomp: plan.bounds.is_some() && privilege::can_filter(),
    }
}

/// What came of making a first process.
enum Made {
    /// The caller is the first process of the new namespace.
    Init(Link),
    /// The caller is the supervisor; init is tied to it, has opened these sockets and goes on.
    Child(Pid, Link, Vec<OwnedFd>),
    /// The kernel does not give such a namespace here; the step at which that was seen.
    Nothing(Failure),
}

/// Makes init in new namespaces.
fn make_init(kind: Namespaces) -> Result<Made, Failure> {
    let (ours, theirs) = Link::pair().map_err(at(Step::Fork))?;
    let head = match sys::fork(kind) {
        // Dropping our end here matters: with a copy of it, init would never see the supervisor
        // go.
        Ok(Side::Child) => return Ok(Made::Init(theirs)),
        Ok(Side::Parent(head)) => head,
        Err(errno) if NOT_GIVEN.contains(&errno) => {
            return Ok(Made::Nothing(at(Step::Fork)(errno)));
        }
        Err(errno) => return Err(at(Step::Fork)(errno)),
    };
    drop(theirs);
    let refused = match kind {
        Namespaces::UserAndPid | Namespaces::User | Namespaces::Own { user: true, .. } => {
            !map_identities(head)
        }
        Namespaces::Pid | Namespaces::None | Namespaces::Own { user: false, .. } => false,
    };
    // Without a map the child waits for a word that will not come; it has done nothing yet.
    let mut failure = at(Step::User)(Errno::PERM);
    if !refused && ours.hear() == Some(Word::Ready) {
        ours.say(Word::Go);
        match ours.hear_with() {
            Some((Word::Built, listeners)) => return Ok(Made::Child(head, ours, listeners)),
            Some((Word::Unbuilt(told), _)) => failure = told,
            Some((Word::Ready | Word::Go | Word::Stop | Word::Result(..), _)) | None => {
                failure = at(Step::Tie)(Errno::SRCH);
            }
        }
    }
    let _ = kill_process(head, Signal::KILL);
    drop(sys::reap(true));
    if is_the_machines(failure) {
        Ok(Made::Nothing(failure))
    } else {
        Err(failure)
    }
}

/// Whether a step failed because of what the machine is, and not because of what was asked for.
fn is_the_machines(failure: Failure) -> bool {
    let errno = Errno::from_raw_os_error(failure.errno);
    match failure.step {
        Step::Root | Step::Proc | Step::Ownership | Step::Loopback | Step::User => true,
        // The kernel is too old for the way in which this mounts.
        Step::Place | Step::Grant | Step::Cover => errno == Errno::NOSYS,
        Step::Request
        | Step::Session
        | Step::Adopt
        | Step::Fork
        | Step::Tie
        | Step::Stdin
        | Step::Directory
        | Step::Limits
        | Step::Listen
        | Step::Capabilities
        | Step::Landlock
        | Step::Descriptors
        | Step::Privileges
        | Step::Seccomp
        | Step::Exec => false,
    }
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
