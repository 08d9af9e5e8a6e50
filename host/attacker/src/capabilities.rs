//! Privileges of this process, as the kernel tells them.
//!
//! Never: a look into `/proc`, which may be another's.

#![expect(
    unsafe_code,
    reason = "capabilities are told into this program's own memory"
)]

use crate::report::{No, Report, Tried};
use crate::sys::{call, call_plain};

/// Capabilities have numbers below this; the kernel refuses those that it does not have.
const NUMBERS: usize = 64;

/// Filter mode of seccomp.
const FILTERED: usize = 2;

/// The row `no-new-privileges`.
pub(crate) fn no_new_privileges(report: &Report<'_>) {
    report.attempt("gain privileges by exec", || {
        expect(libc::PR_GET_NO_NEW_PRIVS, 1, "the flag is not set")
    });
}

/// The row `capabilities`.
pub(crate) fn all_gone(report: &Report<'_>) {
    report.attempt("use system calls without a filter", || {
        expect(libc::PR_GET_SECCOMP, FILTERED, "there is no filter")
    });
    for (place, name) in ["effective", "permitted", "inheritable"].iter().enumerate() {
        report.attempt(&format!("have a capability that is {name}"), || {
            let sets = sets()?;
            // Two numbers of 32 bits for each set; the second half of each comes later.
            let set =
                sets.get(place).copied().unwrap_or(0) | sets.get(place + 3).copied().unwrap_or(0);
            none_of(set.into())
        });
    }
    report.attempt("have an ambient capability", || {
        let is_set = libc::PR_CAP_AMBIENT_IS_SET as usize;
        none_of(collect(|number| {
            [libc::PR_CAP_AMBIENT as usize, is_set, number]
        }))
    });
}

/// The row `capability-bounds`.
pub(crate) fn bounds(report: &Report<'_>) {
    report.attempt("have a capability in the bounding set", || {
        none_of(collect(|number| {
            [libc::PR_CAPBSET_READ as usize, number, 0]
        }))
    });
}

/// What `prctl` should tell.
fn expect(question: i32, wanted: usize, otherwise: &str) -> Tried {
    let told = call_plain(libc::SYS_prctl, [question as usize, 0, 0, 0, 0, 0])?;
    if told == wanted {
        Err(No::Denied("as it should be".to_owned()))
    } else {
        Ok(otherwise.to_owned())
    }
}

/// Which capabilities a question is answered with 1 for.
fn collect(question: impl Fn(usize) -> [usize; 3]) -> u64 {
    (0..NUMBERS)
        .filter(|number| {
            let [a, b, c] = question(*number);
            call_plain(libc::SYS_prctl, [a, b, c, 0, 0, 0]).is_ok_and(|told| told == 1)
        })
        .fold(0, |set, number| set | 1 << number)
}

fn none_of(set: u64) -> Tried {
    if set == 0 {
        Err(No::Denied("none".to_owned()))
    } else {
        Ok(format!("{set:#x}"))
    }
}

/// Effective, permitted and inheritable, the lower halves first.
fn sets() -> Result<[u32; 6], No> {
    // Version 3, this process.
    let header = [0x2008_0522_u32, 0];
    let mut sets = [0_u32; 6];
    let (header, told) = (header.as_ptr().addr(), sets.as_mut_ptr().addr());
    // SAFETY: the header is two numbers and the answer six, as in version 3; both outlive the call.
    unsafe { call(libc::SYS_capget, [header, told, 0, 0, 0, 0]) }?;
    Ok(sets)
}
