//! The triggers that refuse changes: that they are there, fire for everybody, and still refuse.

use sqlx::PgConnection;

use super::KIND;

/// Bits of `pg_trigger.tgtype`.
const ROW: i16 = 1;
const BEFORE: i16 = 2;
const DELETE: i16 = 8;
const UPDATE: i16 = 16;
const TRUNCATE: i16 = 32;

/// A trigger: its table and name, when it fires, and the function that it calls.
struct Guard {
    name: &'static str,
    fires: i16,
    function: &'static str,
}

const fn append_only(name: &'static str) -> Guard {
    Guard { name, fires: BEFORE | DELETE | UPDATE | TRUNCATE, function: "refuse" }
}

const GUARDS: [Guard; 7] = [
    append_only("meta.append_only"),
    append_only("epochs.append_only"),
    append_only("streams.append_only"),
    append_only("events.append_only"),
    append_only("commands.append_only"),
    Guard { name: "head.append_only", fires: BEFORE | DELETE | TRUNCATE, function: "refuse" },
    Guard { name: "head.forwards_only", fires: ROW | BEFORE | UPDATE, function: "refuse_going_back" },
];

/// The triggers that are missing, were disabled or changed, or whose function was.
pub(super) async fn missing(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    // One with a condition or for some columns only does not fire for every change.
    let found: Vec<(String, i16, String, String)> = sqlx::query_as(
        "SELECT c.relname || '.' || t.tgname, t.tgtype, p.proname::text, p.prosrc FROM pg_trigger t \
         JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_proc p ON p.oid = t.tgfoid AND p.pronamespace = n.oid \
         WHERE n.nspname = 'log' AND t.tgenabled = 'A' AND t.tgqual IS NULL AND t.tgattr = ''::int2vector",
    )
    .fetch_all(connection)
    .await?;
    let is_missing = |guard: &&Guard| {
        !found.iter().any(|(name, fires, function, body)| {
            (name.as_str(), *fires, function.as_str()) == (guard.name, guard.fires, guard.function)
                && Some(body.as_str()) == body_of(guard.function)
        })
    };
    Ok(GUARDS.iter().filter(is_missing).map(|guard| guard.name.to_owned()).collect())
}

/// The body of a function as the migrations make it.
fn body_of(function: &str) -> Option<&'static str> {
    let begins = format!("CREATE FUNCTION log.{function}()");
    let definition = KIND.migrations.iter().rev().find_map(|migration| migration.split_once(&begins))?.1;
    definition.split("$$").nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrations_make_the_function_of_every_guard() {
        for guard in GUARDS {
            assert!(body_of(guard.function).is_some_and(|body| body.contains("RAISE EXCEPTION")), "{}", guard.name);
        }
    }
}
