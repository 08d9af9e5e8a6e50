//! A run of many tasks: what people ask for goes by an index, as SQLite itself says.

use remit_engine::durable::ledger::{EntryQuery, TaskQuery};
use remit_ledger::query_plans;

use crate::*;

#[tokio::test]
async fn no_question_reads_a_whole_table() {
    let (_directory, path) = place();
    let ledger = open(&path);
    let names: Vec<String> = (0..10_000).map(|number| format!("t{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    submit(&ledger, "R", &names).await;
    let plans = query_plans(&path).unwrap();
    assert!(plans.len() >= 8, "{plans:?}");
    for (question, steps) in plans {
        for step in steps {
            // A walk along an index in the order that is asked for ends at the limit.
            let walks = step.starts_with("SCAN ") && !question.starts_with("newest");
            assert!(!walks || step.contains("json_each"), "{question}: {step}");
            assert!(!step.contains("TEMP B-TREE"), "{question}: {step}");
        }
    }
    // The pages of a large run follow each other without a gap.
    let mut seen = 0;
    let mut query = TaskQuery {
        run: run_id("R"),
        phases: vec![],
        from_index: 0,
        limit: 3_000,
    };
    loop {
        let page = ledger.tasks(query.clone()).await.unwrap();
        let Some(last) = page.last() else { break };
        query.from_index = last.state.index + 1;
        seen += page.len();
    }
    assert_eq!(seen, 10_000);
    let one = EntryQuery {
        run: Some(run_id("R")),
        task: Some(task_id("t9999")),
        after: 0,
        activity: true,
        limit: 10,
    };
    assert_eq!(ledger.entries(one).await.unwrap().len(), 1);
}
