//! System calls through the doors that were built for other programs: those of 32 bits, and x32.
//!
//! Never: a call by them that does more than make a socket or tell a number.

#![expect(
    unsafe_code,
    reason = "there is no wrapper for a call by another interface than the program's own"
)]

use crate::report::{No, Report, Tried, nothing};

/// The bit that makes a call one of x32.
#[cfg(target_arch = "x86_64")]
const X32: i64 = 0x4000_0000;

/// The row `foreign-calls`.
#[cfg(target_arch = "x86_64")]
pub(crate) fn calls(report: &Report<'_>) {
    use crate::sys::{call_plain, unsigned};
    let carried_out = |result: std::io::Result<usize>| -> Tried {
        result?;
        Ok("it was carried out".to_owned())
    };
    report.attempt("getpid by x32", || {
        carried_out(call_plain(libc::SYS_getpid | X32, [0; 6]))
    });
    report.attempt("socket by x32", || {
        carried_out(call_plain(libc::SYS_socket | X32, [1, 1, 0, 0, 0, 0]))
    });
    report.attempt("unshare by x32", || {
        let flags = unsigned(libc::CLONE_NEWUSER);
        carried_out(call_plain(libc::SYS_unshare | X32, [flags, 0, 0, 0, 0, 0]))
    });
    // Numbers of the interface of 32 bits: getpid, socket, unshare, socketcall.
    report.attempt("getpid by int 0x80", || by_interrupt(20, [0; 3]));
    report.attempt("socket by int 0x80", || by_interrupt(359, [2, 1, 0]));
    report.attempt("unshare by int 0x80", || {
        by_interrupt(310, [0x1000_0000, 0, 0])
    });
    report.attempt("socketcall by int 0x80", || {
        let arguments = below_four_gigabytes([2, 1, 0])?;
        by_interrupt(102, [1, arguments, 0])
    });
}

/// The row `foreign-calls`.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn calls(report: &Report<'_>) {
    report.here("another interface", || {
        nothing("this processor has one interface only")
    });
}

/// A call by the interface of 32 bits.
#[cfg(target_arch = "x86_64")]
fn by_interrupt(number: u32, [first, second, third]: [u32; 3]) -> Tried {
    let mut result = u64::from(number);
    // SAFETY: the call makes a socket, a namespace of this attempt's own process, or tells a
    // number. It reads memory only for `socketcall`, at an address that the caller mapped. The
    // register that the compiler keeps for itself is put back; the others are told.
    unsafe {
        std::arch::asm!(
            "push rbx",
            "mov ebx, {first:e}",
            "int 0x80",
            "pop rbx",
            first = in(reg) first,
            inout("rax") result,
            in("ecx") second,
            in("edx") third,
            out("r8") _,
            out("r9") _,
            out("r10") _,
            out("r11") _,
        );
    }
    let answer = (result as u32).cast_signed();
    if answer >= 0 {
        return Ok("it was carried out".to_owned());
    }
    let error = std::io::Error::from_raw_os_error(-answer);
    match error.raw_os_error() {
        Some(libc::ENOSYS) => nothing("this kernel does not have it"),
        _ => Err(No::from(error)),
    }
}

/// Puts numbers where a pointer of 32 bits reaches.
#[cfg(target_arch = "x86_64")]
fn below_four_gigabytes(numbers: [u32; 3]) -> Result<u32, No> {
    // SAFETY: a new page of memory that nobody has.
    let page = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            4096,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT,
            -1,
            0,
        )
    };
    if page == libc::MAP_FAILED {
        return Err(std::io::Error::last_os_error().into());
    }
    // SAFETY: the page was just made, is aligned, and is larger than three numbers.
    unsafe { page.cast::<[u32; 3]>().write(numbers) };
    u32::try_from(page.addr()).map_err(|_| No::NotApplicable("the page is too high".to_owned()))
}
