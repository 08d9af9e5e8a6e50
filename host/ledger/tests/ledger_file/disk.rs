//! Disks that are full and directories that cannot be written: a clear error, and work goes on by
//! itself once it can.

use std::os::unix::fs::PermissionsExt;

use remit_engine::durable::ledger::LedgerError;
use remit_ledger::verify_ledger;

use crate::*;

/// A file system of this many KiB in a mount namespace of this thread alone, if this user may.
fn small_disk(kib: u32) -> Option<tempfile::TempDir> {
    use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
    use rustix::thread::{UnshareFlags, unshare_unsafe};
    let directory = tempfile::tempdir().unwrap();
    #[expect(
        unsafe_code,
        reason = "no other thread shares what is unshared: see `on_small_disk`"
    )]
    let unshared = unsafe { unshare_unsafe(UnshareFlags::NEWNS) };
    unshared.ok()?;
    let private = MountPropagationFlags::REC | MountPropagationFlags::PRIVATE;
    mount_change("/", private).ok()?;
    let size = std::ffi::CString::new(format!("size={kib}k")).unwrap();
    mount(
        "tmpfs",
        directory.path(),
        "tmpfs",
        MountFlags::empty(),
        &*size,
    )
    .ok()?;
    Some(directory)
}

/// Runs a case on a thread whose children, the ledger's threads, see the small disk. Without the
/// right to mount, the limit is SQLite's own, which is the same error.
fn on_small_disk(case: impl FnOnce(PathBuf) + Send + 'static) {
    std::thread::spawn(move || {
        let Some(directory) = small_disk(7_000) else {
            eprintln!("no small disk for this user");
            return;
        };
        case(directory.path().join("ledger.db"));
    })
    .join()
    .unwrap();
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn a_full_disk_keeps_what_was_answered_takes_ends_and_recovers() {
    on_small_disk(|path| {
        runtime().block_on(async {
            let ledger = open(&path);
            submit(&ledger, "R", &["a"]).await;
            add(&ledger, task("R", "a"), Expect::Seq(1), vec![began(1, 1)])
                .await
                .unwrap();
            let mut taken = 3;
            let line = "x".repeat(2_000);
            let error = loop {
                let lines = vec![output(1, 1, &line); 20];
                match add(&ledger, task("R", "a"), Expect::Fence(1), lines).await {
                    Ok(_) => taken += 20,
                    Err(error) => break error,
                }
            };
            assert!(matches!(error, LedgerError::Full(_)), "{error:?}");
            assert!(taken > 100, "{taken}");
            // The reserve is gone: ends still go through, beginnings do not.
            let end = vec![ended(1, None), LedgerEvent::TaskCompleted];
            add(&ledger, task("R", "a"), Expect::Fence(1), end)
                .await
                .unwrap();
            let more = ledger
                .commit(commit(vec![append(
                    run("S"),
                    Expect::New,
                    vec![submitted(0)],
                )]))
                .await;
            assert!(matches!(more, Err(LedgerError::Full(_))), "{more:?}");
            let entries = ledger.entries(everything()).await.unwrap();
            assert_eq!(entries.len(), taken + 2);
            let larger = rustix::mount::mount_remount(
                path.parent().unwrap(),
                rustix::mount::MountFlags::empty(),
                c"size=60000k",
            );
            larger.unwrap();
            // By itself, within the pause between two looks.
            for _ in 0..100 {
                let again = commit(vec![append(run("S"), Expect::New, vec![submitted(0)])]);
                if ledger.commit(again).await.is_ok() {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            assert!(ledger.run(&run_id("S")).await.unwrap().is_some());
            drop(ledger);
            assert_eq!(verify_ledger(&path).unwrap().findings, []);
        });
    });
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_a_clear_error() {
    if rustix::process::geteuid().is_root() {
        // Modes do not bind root; a read-only mount does, and is what the next test has.
        return;
    }
    let (directory, path) = place();
    drop(open(&path));
    let mode = |mode| std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(mode));
    mode(0o500).unwrap();
    let error = SqliteLedger::open(&path).unwrap_err().to_string();
    mode(0o700).unwrap();
    assert!(error.contains("ledger.db"), "{error}");
    drop(open(&path));
}

#[test]
fn a_disk_that_turns_read_only_is_a_clear_error_and_loses_nothing() {
    on_small_disk(|path| {
        runtime().block_on(async {
            submit(&open(&path), "R", &["a"]).await;
            let mount = path.parent().unwrap();
            let flags = rustix::mount::MountFlags::RDONLY;
            // The ledger's threads end on their own time after the handle is gone.
            while rustix::mount::mount_remount(mount, flags, c"").is_err() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            let error = SqliteLedger::open(&path).unwrap_err();
            assert!(
                matches!(LedgerError::from(error), LedgerError::ReadOnly(_)),
                "not read-only"
            );
            let flags = rustix::mount::MountFlags::empty();
            rustix::mount::mount_remount(mount, flags, c"").unwrap();
            let ledger = open(&path);
            assert_eq!(ledger.entries(everything()).await.unwrap().len(), 2);
        });
    });
}
