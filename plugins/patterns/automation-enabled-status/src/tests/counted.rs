//! Rows of files that the real SQLite wrote.

use std::io::Cursor;

use super::*;
use crate::sqlite::{Table, count};

const MANY: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) \
                    INSERT INTO execution_logs SELECT i, hex(randomblob(i % 300)) FROM n;";

fn counted(script: &str, table: &str) -> Table {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("a.db");
    sqlite(&file, script);
    count(fs::File::open(file).unwrap(), table).unwrap()
}

#[test]
fn rows_are_as_many_as_sqlite_put_there() {
    let create = "CREATE TABLE execution_logs (id INTEGER PRIMARY KEY, context TEXT);";
    assert_eq!(counted(create, "execution_logs"), Table::Rows(0));
    for before in ["", "PRAGMA page_size = 512;", "PRAGMA page_size = 65536;"] {
        let script = format!("{before} {create} {MANY}");
        assert_eq!(
            counted(&script, "execution_logs"),
            Table::Rows(5000),
            "{before}"
        );
        let fewer = format!("{script} DELETE FROM execution_logs WHERE id % 3 = 0;");
        assert_eq!(counted(&fewer, "Execution_Logs"), Table::Rows(3334));
    }
}

#[test]
fn a_table_is_found_among_many_and_behind_long_definitions() {
    let columns: Vec<String> = (0..150)
        .map(|i| format!("a_rather_long_name_{i} TEXT"))
        .collect();
    let mut script = String::from("PRAGMA page_size = 512;");
    for number in 0..40 {
        script += &format!("CREATE TABLE t{number} (x, {});", columns.join(", "));
    }
    script += &format!("CREATE TABLE execution_logs ({});", columns.join(", "));
    script += "INSERT INTO execution_logs (a_rather_long_name_3) VALUES ('a'), ('b');";
    assert_eq!(counted(&script, "execution_logs"), Table::Rows(2));
    assert_eq!(counted(&script, "t39"), Table::Rows(0));
    assert_eq!(counted(&script, "t40"), Table::Missing);
}

#[test]
fn a_table_without_row_numbers_is_counted() {
    let script = format!(
        "PRAGMA page_size = 512; \
         CREATE TABLE execution_logs (id INTEGER PRIMARY KEY, context TEXT) WITHOUT ROWID; {MANY}"
    );
    assert_eq!(counted(&script, "execution_logs"), Table::Rows(5000));
}

#[test]
fn views_and_virtual_tables_have_no_rows_of_their_own() {
    let script = "CREATE TABLE t (x); CREATE VIEW execution_logs AS SELECT * FROM t;";
    assert_eq!(counted(script, "execution_logs"), Table::Missing);
}

#[test]
fn a_damaged_file_is_an_error_and_never_the_end() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("a.db");
    sqlite(
        &file,
        &format!(
            "PRAGMA page_size = 512; \
             CREATE TABLE execution_logs (id INTEGER PRIMARY KEY, context TEXT); {MANY} \
             DELETE FROM execution_logs WHERE id > 100; VACUUM;"
        ),
    );
    let sound = fs::read(file).unwrap();
    for length in [0, 15, 99, 100, 600, sound.len() - 1] {
        assert!(count(Cursor::new(&sound[..length]), "execution_logs").is_err());
    }
    assert!(count(Cursor::new(vec![0; 4096]), "execution_logs").is_err());
    // Any byte of the first pages, replaced by any of a few: an answer, right or wrong, or an
    // error. A number of steps that depends on the file alone keeps it from going on for ever.
    for at in (0..2048).filter(|at| at % 3 == 0) {
        for byte in [0, 1, 0x7f, 0x80, 0xff] {
            let mut damaged = sound.clone();
            damaged[at] = byte;
            drop(count(Cursor::new(damaged), "execution_logs"));
        }
    }
}

#[test]
fn a_page_that_is_linked_twice_is_an_error() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("a.db");
    sqlite(
        &file,
        &format!(
            "PRAGMA page_size = 512; \
             CREATE TABLE execution_logs (id INTEGER PRIMARY KEY, context TEXT); {MANY}"
        ),
    );
    let mut pages = fs::read(file).unwrap();
    // The second page is the root of the only table, an inner one; its last child becomes itself.
    assert_eq!(pages[512], 5);
    pages[512 + 8..512 + 12].copy_from_slice(&2_u32.to_be_bytes());
    assert!(count(Cursor::new(pages), "execution_logs").is_err());
}
