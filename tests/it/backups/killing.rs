//! `kill -9` at many moments of a backup and of a restore: what was there stands, and the next run goes on.
//! `COMMLOG_BACKUP_KILLS` says how often.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{Place, empty, filled, master, people};
use crate::support::app::Engine;
use crate::support::times;

/// Runs a command and kills it at moments that go through its whole length, until it comes to its end.
fn kill_through(place: &Place, arguments: &[&str], mut after_each: impl FnMut()) {
    let kills = u32::try_from(times("COMMLOG_BACKUP_KILLS", 6)).unwrap();
    let mut longest = Duration::from_millis(60);
    let mut ended = 0;
    for number in 0.. {
        let mut child =
            place.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the command starts");
        let begun = Instant::now();
        let until = longest * (number % kills + 1) / kills;
        let status = loop {
            if let Some(status) = child.try_wait().expect("its state") {
                break Some(status);
            }
            if begun.elapsed() >= until {
                child.kill().expect("it is killed");
                break child.wait().ok().filter(std::process::ExitStatus::success);
            }
            std::thread::yield_now();
        };
        after_each();
        match status {
            Some(status) if status.success() => ended += 1,
            // Another one has found that the place is complete.
            Some(_) => return,
            None => {}
        }
        if ended > 0 || number >= 4 * kills {
            break;
        }
        longest += longest / 8;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_is_killed_leaves_one_that_is_whole() {
    let place = filled(Engine::Sqlite).await;
    place.back_up();
    place.file("many.csv", people(0, 3_000));
    place.ok(&["import", "customers", "many.csv"]);
    kill_through(&place, &["backup", "--to", "log", "--keys-to", "keys"], || {
        place.ok(&["backup", "--check", "log", "--check-keys", "keys"]);
    });
    place.back_up();
    let left = super::files(&place.path("log")).into_iter().chain(super::files(&place.path("keys")));
    assert!(left.map(|(path, _)| path).all(|path| !path.to_string_lossy().ends_with(".part")));
    let target = empty(Engine::Sqlite, &master()).await;
    target.restore(&place);
    assert!(target.events() == place.events());
    assert_eq!(target.names().len(), 3_002);
}

async fn a_restore_that_is_killed_goes_on(engine: Engine) {
    let place = filled(Engine::Sqlite).await;
    // Several files of events, so that there are several places to go on at.
    for round in 0..3 {
        place.file("many.csv", people(round * 1_000, 1_000));
        place.ok(&["import", "customers", "many.csv"]);
        place.back_up();
    }
    let target = empty(engine, &master()).await;
    let (from, keys) = (place.folder("log"), place.folder("keys"));
    let restore = ["restore", "--from", &from, "--keys-from", &keys];
    kill_through(&target, &restore, || {
        // Half a log is refused by everything.
        let looked = target.run(&["verify"]);
        let is_half = looked.stderr.contains("is still being loaded") || looked.stderr.contains("there is no log");
        assert!(
            looked.code == Some(0) || looked.code == Some(4) && (is_half || !looked.stderr.is_empty()),
            "{}",
            looked.stderr
        );
    });
    let last = target.run(&restore);
    assert!(last.code == Some(0) || last.stderr.contains("already holds a log"), "{}", last.stderr);
    assert!(target.events() == place.events());
    assert_eq!(target.names().len(), 3_002);
    target.ok(&["rebuild", "--check"]);
}

on_each_engine! {
    a_restore_that_is_killed_goes_on
}

#[tokio::test]
async fn two_backups_to_one_folder_do_not_meet_and_a_dead_one_holds_no_lock() {
    let place = filled(Engine::Sqlite).await;
    place.back_up();
    let lock = std::fs::File::options().write(true).open(place.path("log/lock")).unwrap();
    lock.lock().unwrap();
    let error = place.fails(4, &["backup", "--to", "log"]);
    assert!(error.contains("another backup to log is under way"), "{error}");
    // Who only reads is not kept out.
    place.ok(&["backup", "--check", "log"]);
    drop(lock);
    place.ok(&["backup", "--to", "log"]);
}
