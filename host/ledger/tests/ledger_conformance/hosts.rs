//! Who executes: numbers that are never used again, and until when each is believed to live.
//!
//! Never: two hosts with one number.

use remit_core::durable::{LedgerEvent, Stream};
use remit_engine::durable::ledger::HostIdentity;

use crate::build::everything;
use crate::on_each;

fn who(pid: u32) -> HostIdentity {
    HostIdentity {
        boot_id: "boot".into(),
        pid,
        pid_start: 77,
        version: "0.1.0".into(),
    }
}

#[tokio::test]
async fn each_host_has_a_number_of_its_own_and_says_when_it_ends() {
    on_each(async |ledger| {
        let first = ledger.begin_host(who(1), 10, 20).await.unwrap();
        let second = ledger.begin_host(who(2), 11, 21).await.unwrap();
        assert_eq!((first.epoch, second.epoch), (1, 2));
        assert_eq!(first.pid_start, 77);
        let hosts = ledger.hosts().await.unwrap();
        assert_eq!(hosts, [first.clone(), second.clone()]);
        ledger.beat(1, 500, false).await.unwrap();
        ledger.beat(2, 21, true).await.unwrap();
        let hosts = ledger.hosts().await.unwrap();
        assert_eq!(hosts.len(), 1);
        assert_eq!(hosts.first().unwrap().until_ms, 500);
        let third = ledger.begin_host(who(3), 12, 22).await.unwrap();
        assert_eq!(third.epoch, 3);
        // A number that nobody has.
        ledger.beat(99, 1, false).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_host_that_begins_is_an_event() {
    on_each(async |ledger| {
        ledger.begin_host(who(41), 10, 20).await.unwrap();
        let entries = ledger.entries(everything()).await.unwrap();
        let entry = entries.first().unwrap();
        assert_eq!((entry.stream(), entry.task_seq), (Stream::Host, 1));
        assert_eq!(entry.at_ms, 10);
        assert_eq!(
            entry.event,
            LedgerEvent::HostStarted {
                epoch: 1,
                pid: 41,
                version: "0.1.0".into()
            }
        );
    })
    .await;
}
