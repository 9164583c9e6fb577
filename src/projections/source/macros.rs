//! The macros that make one SQL text run on both engines, written `@name(arguments)`.
//!
//! | macro | gives |
//! |---|---|
//! | `@text(json, 'key')` | TEXT; NULL if absent or null. Keys may be paths: `'profile.territory'` |
//! | `@int(json, 'key')` | BIGINT |
//! | `@bool(json, 'key')` | BOOLEAN |
//! | `@uuid(json, 'key')` | UUID |
//! | `@time(json, 'key')` | TIMESTAMPTZ |
//! | `@json(json, 'key')` | a JSONB sub-document; NULL if absent or null |
//! | `@json(data)` | the whole document, for a JSONB column |
//! | `@has(json, 'key')` | whether it is present and not null |
//! | `@elements(json, 'key') AS t` | in FROM: one row per array element, as TEXT `t.value` |
//! | `@entries(json, 'key') AS t` | in FROM: one row per member of an object, as TEXT `t.key`, `t.value` |
//! | `@as_uuid(text)` | UUID of a text, such as an element of an array |
//! | `@least(a, b)`, `@greatest(a, b)` | the smaller, the greater; the other one if one is NULL |
//! | `@days_after(time, 90)` | the same time of day (of UTC) so many days later |
//! | `@quarter(time)` | the beginning of its quarter of an hour: no time zone's day begins within one |
//! | `@sum(x)`, `@sum(x, condition)` | BIGINT; NULL if there is nothing to add |
//! | `@count_if(condition)` | BIGINT |
//! | `@min_if(x, condition)`, `@max_if(x, condition)` | of the rows that meet the condition |
//! | `@concat(a, …)` | TEXT; NULLs are left out |
//! | `@same(a, b)`, `@differs(a, b)` | comparison in which NULL equals NULL |

use super::lexer::{Kind, Token, Unclosed, tokens};
use crate::sql::Engine;

/// Why a macro cannot be expanded, and where in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MacroError {
    pub at: usize,
    pub reason: String,
}

impl From<Unclosed> for MacroError {
    fn from(unclosed: Unclosed) -> Self {
        Self { at: unclosed.at, reason: "a quote or comment is not closed".to_owned() }
    }
}

/// Replaces all macros of a text by the engine's SQL, and drops comments.
pub fn expand(engine: Engine, sql: &str) -> Result<String, MacroError> {
    expand_tokens(engine, &tokens(sql)?)
}

fn expand_tokens(engine: Engine, tokens: &[Token<'_>]) -> Result<String, MacroError> {
    let mut sql = String::new();
    let mut rest = tokens;
    while let Some((token, after)) = rest.split_first() {
        rest = after;
        match token.kind {
            Kind::Comment => sql.push(' '),
            Kind::Macro => {
                let (arguments, after) = arguments(token, after)?;
                rest = after;
                sql.push_str(&call(engine, token, &arguments)?);
            }
            _ => sql.push_str(token.text),
        }
    }
    Ok(sql)
}

/// The arguments in the parentheses that follow a macro's name, and what follows them.
fn arguments<'t, 's>(
    name: &Token<'s>,
    tokens: &'t [Token<'s>],
) -> Result<(Vec<&'t [Token<'s>]>, &'t [Token<'s>]), MacroError> {
    let open = tokens.first().filter(|token| token.is_sign("("));
    if open.is_none() {
        return Err(refuse(name, format!("{} needs arguments in parentheses", name.text)));
    }
    let (mut arguments, mut depth, mut start) = (Vec::new(), 0usize, 1);
    for (index, token) in tokens.iter().enumerate() {
        match token.text {
            "(" if token.kind == Kind::Sign => depth += 1,
            ")" if token.kind == Kind::Sign => {
                depth -= 1;
                if depth == 0 {
                    arguments.push(&tokens[start..index]);
                    return Ok((arguments, &tokens[index + 1..]));
                }
            }
            "," if token.kind == Kind::Sign && depth == 1 => {
                arguments.push(&tokens[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    Err(refuse(name, format!("the parenthesis after {} is not closed", name.text)))
}

fn refuse(token: &Token<'_>, reason: String) -> MacroError {
    MacroError { at: token.at, reason }
}

fn call(engine: Engine, name: &Token<'_>, arguments: &[&[Token<'_>]]) -> Result<String, MacroError> {
    let expanded = arguments
        .iter()
        .map(|argument| expand_tokens(engine, argument).map(|sql| sql.trim().to_owned()))
        .collect::<Result<Vec<_>, _>>()?;
    let many = expanded.len();
    let wrong = |wanted: &str| Err(refuse(name, format!("{} takes {wanted}, not {many}", name.text)));
    match (&name.text[1..], expanded.as_slice()) {
        (
            reader @ ("text" | "int" | "bool" | "uuid" | "time" | "json" | "has" | "elements" | "entries"),
            [json, key],
        ) => Ok(read(engine, reader, json, &Path::parse(name, key)?)),
        // A staged document is kept parsed on SQLite; a column of a read table holds text there.
        ("json", [json]) => Ok(match engine {
            Engine::Sqlite => format!("json({json})"),
            Engine::Postgres => format!("({json})"),
        }),
        ("text" | "int" | "bool" | "uuid" | "time" | "json" | "has" | "elements" | "entries", _) => {
            wrong("a JSON value and a key")
        }
        ("as_uuid", [text]) => Ok(match engine {
            Engine::Sqlite => format!("unhex({text}, '-')"),
            Engine::Postgres => format!("CAST({text} AS uuid)"),
        }),
        ("as_uuid", _) => wrong("a text"),
        ("least", [a, b]) => Ok(extreme(engine, "least", "min", a, b)),
        ("greatest", [a, b]) => Ok(extreme(engine, "greatest", "max", a, b)),
        ("least" | "greatest", _) => wrong("two values"),
        ("days_after", [time, days]) if days.bytes().all(|digit| digit.is_ascii_digit()) => {
            Ok(days_after(engine, time, days))
        }
        ("days_after", _) => wrong("a time and a number of days"),
        ("quarter", [time]) => Ok(quarter(engine, time)),
        ("quarter", _) => wrong("a time"),
        ("sum", [value]) => Ok(sum(engine, value, "")),
        ("sum", [value, condition]) => Ok(sum(engine, value, &format!(" FILTER (WHERE {condition})"))),
        ("sum", _) => wrong("a value and perhaps a condition"),
        ("count_if", [condition]) => Ok(format!("count(*) FILTER (WHERE {condition})")),
        ("count_if", _) => wrong("a condition"),
        ("min_if", [value, condition]) => Ok(format!("min({value}) FILTER (WHERE {condition})")),
        ("max_if", [value, condition]) => Ok(format!("max({value}) FILTER (WHERE {condition})")),
        ("min_if" | "max_if", _) => wrong("a value and a condition"),
        ("concat", values) => Ok(format!("concat({})", values.join(", "))),
        ("same", [a, b]) => Ok(format!("(({a}) IS NOT DISTINCT FROM ({b}))")),
        ("differs", [a, b]) => Ok(format!("(({a}) IS DISTINCT FROM ({b}))")),
        ("same" | "differs", _) => wrong("two values"),
        _ => Err(refuse(name, format!("there is no macro {}", name.text))),
    }
}

/// SQLite's two-valued `min` gives NULL if one value is NULL, PostgreSQL's `least` leaves NULLs out.
fn extreme(engine: Engine, postgres: &str, sqlite: &str, a: &str, b: &str) -> String {
    match engine {
        Engine::Sqlite => format!("coalesce({sqlite}({a}, {b}), {a}, {b})"),
        Engine::Postgres => format!("{postgres}({a}, {b})"),
    }
}

/// Times are texts on SQLite, whose own functions would cut them to milliseconds. PostgreSQL's days are those of the
/// session's time zone, which may have 23 hours.
fn days_after(engine: Engine, time: &str, days: &str) -> String {
    match engine {
        Engine::Sqlite => format!("(date(substr({time}, 1, 10), '+{days} days') || substr({time}, 11))"),
        Engine::Postgres => format!("({time} + interval '24 hours' * {days})"),
    }
}

/// As SQLite has it, in the form that times of whole seconds are written in.
fn quarter(engine: Engine, time: &str) -> String {
    match engine {
        Engine::Sqlite => format!(
            "(substr({time}, 1, 14) || CASE WHEN substr({time}, 15, 2) < '15' THEN '00' WHEN substr({time}, 15, 2) < '30' \
             THEN '15' WHEN substr({time}, 15, 2) < '45' THEN '30' ELSE '45' END || ':00+00:00')"
        ),
        Engine::Postgres => format!("date_bin('15 minutes', {time}, TIMESTAMPTZ '2000-01-01 00:00:00+00')"),
    }
}

/// PostgreSQL sums BIGINT to NUMERIC.
fn sum(engine: Engine, value: &str, filter: &str) -> String {
    match engine {
        Engine::Sqlite => format!("sum({value}){filter}"),
        Engine::Postgres => format!("CAST(sum({value}){filter} AS bigint)"),
    }
}

/// Where in a JSON document a value stands.
struct Path<'a>(Vec<&'a str>);

impl<'a> Path<'a> {
    fn parse(name: &Token<'_>, key: &'a str) -> Result<Self, MacroError> {
        let path: Option<Vec<&str>> =
            key.strip_prefix('\'').and_then(|key| key.strip_suffix('\'')).map(|key| key.split('.').collect());
        let plain =
            |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        match path {
            Some(parts) if parts.iter().all(plain) => Ok(Self(parts)),
            _ => {
                Err(refuse(name, format!("the key of {} must be a text such as 'total' or 'profile.owner'", name.text)))
            }
        }
    }

    fn sqlite(&self) -> String {
        format!("'$.{}'", self.0.join("."))
    }

    /// The operator that reads this path as text or as JSON, and the path.
    fn postgres(&self, as_text: bool) -> String {
        match self.0.as_slice() {
            [key] => format!("{} '{key}'", if as_text { "->>" } else { "->" }),
            parts => format!("{} '{{{}}}'", if as_text { "#>>" } else { "#>" }, parts.join(",")),
        }
    }
}

fn read(engine: Engine, reader: &str, json: &str, path: &Path<'_>) -> String {
    match engine {
        Engine::Sqlite => read_sqlite(reader, json, &path.sqlite()),
        Engine::Postgres => read_postgres(reader, json, path),
    }
}

fn read_sqlite(reader: &str, json: &str, path: &str) -> String {
    match reader {
        "text" => format!("CAST(({json}) ->> {path} AS TEXT)"),
        "int" => format!("CAST(({json}) ->> {path} AS INTEGER)"),
        "uuid" => format!("unhex(({json}) ->> {path}, '-')"),
        // chrono writes `Z` into JSON, sqlx `+00:00` into columns.
        "time" => format!("replace(({json}) ->> {path}, 'Z', '+00:00')"),
        "json" => format!("nullif(({json}) -> {path}, 'null')"),
        "has" => format!("((({json}) ->> {path}) IS NOT NULL)"),
        "elements" => each_sqlite(json, path, "array", "[]"),
        "entries" => each_sqlite(json, path, "object", "{}"),
        _ => format!("(({json}) ->> {path})"),
    }
}

fn each_sqlite(json: &str, path: &str, kind: &str, empty: &str) -> String {
    format!("json_each(CASE json_type({json}, {path}) WHEN '{kind}' THEN ({json}) -> {path} ELSE '{empty}' END)")
}

fn read_postgres(reader: &str, json: &str, path: &Path<'_>) -> String {
    let text = format!("(({json}) {})", path.postgres(true));
    let value = format!("(({json}) {})", path.postgres(false));
    match reader {
        "int" => format!("CAST({text} AS bigint)"),
        "bool" => format!("CAST({text} AS boolean)"),
        "uuid" => format!("CAST({text} AS uuid)"),
        "time" => format!("CAST({text} AS timestamptz)"),
        "json" => format!("nullif({value}, 'null'::jsonb)"),
        "has" => format!("({text} IS NOT NULL)"),
        "elements" => {
            format!("jsonb_array_elements_text(CASE jsonb_typeof({value}) WHEN 'array' THEN {value} ELSE '[]' END)")
        }
        "entries" => format!("jsonb_each_text(CASE jsonb_typeof({value}) WHEN 'object' THEN {value} ELSE '{{}}' END)"),
        _ => format!("({text} COLLATE \"C\")"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(sql: &str) -> (String, String) {
        (expand(Engine::Sqlite, sql).unwrap(), expand(Engine::Postgres, sql).unwrap())
    }

    #[test]
    fn a_key_is_read_on_both_engines() {
        let (sqlite, postgres) = both("SELECT @int(b.data, 'a.b') FROM batch b");
        assert_eq!(sqlite, "SELECT CAST((b.data) ->> '$.a.b' AS INTEGER) FROM batch b");
        assert_eq!(postgres, "SELECT CAST(((b.data) #>> '{a,b}') AS bigint) FROM batch b");
    }

    #[test]
    fn macros_nest_and_quotes_hide_them() {
        let (sqlite, postgres) = both("@greatest(@sum(coalesce(x, 1)), '@sum(')");
        assert_eq!(sqlite, "coalesce(max(sum(coalesce(x, 1)), '@sum('), sum(coalesce(x, 1)), '@sum(')");
        assert_eq!(postgres, "greatest(CAST(sum(coalesce(x, 1)) AS bigint), '@sum(')");
    }

    #[test]
    fn mistakes_are_named() {
        for (sql, reason) in [
            ("@nothing(a)", "there is no macro @nothing"),
            ("@sum", "@sum needs arguments in parentheses"),
            ("@sum(a", "the parenthesis after @sum is not closed"),
            ("@least(a)", "@least takes two values, not 1"),
            ("@quarter(a, 15)", "@quarter takes a time, not 2"),
            ("@days_after(a, b)", "@days_after takes a time and a number of days, not 2"),
            ("@text(a, b)", "the key of @text must be a text such as 'total' or 'profile.owner'"),
        ] {
            assert_eq!(expand(Engine::Sqlite, sql).unwrap_err().reason, reason, "{sql}");
        }
    }
}
