//! From which index each question is read on SQLite, which keeps no statistics.

use super::*;
use crate::projections::{Registry, Scratch};

row! {
    struct Step {
        detail: String,
    }
}

#[tokio::test]
async fn each_question_is_read_from_an_index_that_has_all_of_it() {
    let tables = Scratch::in_memory(&Registry::builtin().unwrap()).await.unwrap();
    let questions = [
        (
            "SELECT DISTINCT m.customer_id FROM messages m INDEXED BY messages_of_customer WHERE m.tenant_id = x'07' \
             AND m.customer_id > x'01' AND m.created_at >= 'a' AND m.created_at < 'b' ORDER BY m.customer_id LIMIT 9",
            "SEARCH m USING COVERING INDEX messages_of_customer (tenant_id=? AND customer_id>?)",
        ),
        (
            "SELECT 1 AS one FROM messages m WHERE m.tenant_id = x'07' AND m.direction = 'outbound' \
             AND m.channel = 'sms' AND m.created_at >= 'a' AND m.created_at < 'b' LIMIT 9",
            "SEARCH m USING COVERING INDEX messages_newest \
             (tenant_id=? AND direction=? AND channel=? AND created_at>? AND created_at<?)",
        ),
        (
            "SELECT h.list_id, h.customer_id, h.changed_at, h.entered FROM list_changes h WHERE h.tenant_id = x'07' \
             AND h.list_id = x'01' AND h.customer_id IN (x'02', x'03') AND h.changed_at < 'b' \
             ORDER BY h.customer_id, h.changed_at, h.position",
            "SEARCH h USING COVERING INDEX list_changes_of_customer \
             (tenant_id=? AND list_id=? AND customer_id=? AND changed_at<?)",
        ),
    ];
    for (question, step) in questions {
        let steps: Vec<Step> =
            Select::new(&format!("EXPLAIN QUERY PLAN {question}"), []).all(tables.db(), READING).await.expect("a plan");
        let steps: Vec<_> = steps.into_iter().map(|step| step.detail).collect();
        assert_eq!(steps, [step]);
    }
}
