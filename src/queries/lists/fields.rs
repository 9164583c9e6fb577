//! Conditions on the customer's own row: fields, anniversaries, random parts.

use chrono::{Datelike, Days, NaiveDate};
use sha2::{Digest, Sha256};

use super::compile::Compiler;
use super::piece::Piece;
use crate::domain::list::criteria::{BUCKETS, FieldTest, Scalar};
use crate::sql::{Engine, Value};

impl Compiler<'_> {
    pub(super) fn field(&self, test: &FieldTest) -> Piece {
        let field = Field::of(&test.name);
        if let Some(value) = &test.equals {
            return self.is_one_of(&test.name, std::slice::from_ref(value));
        }
        if let Some(values) = &test.one_of {
            return self.is_one_of(&test.name, values);
        }
        if let Some(exists) = test.exists {
            let text = field.text(self.engine);
            let present = Piece::new(format!("({} IS NOT NULL)", text.text), text.values);
            return if exists { present } else { present.negated() };
        }
        if let Some(part) = &test.contains {
            let small = part.to_lowercase();
            let text = self.in_small_letters(field.text(self.engine), &small);
            let found = match self.engine {
                Engine::Sqlite => format!("instr({}, ?) > 0", text.text),
                Engine::Postgres => format!("strpos({}, ?) > 0", text.text),
            };
            return Piece::new(found, text.values).and("", small);
        }
        let bounds = [(">=", test.min), ("<=", test.max)].into_iter().filter_map(|(sign, bound)| {
            let number = self.number(&field);
            Some(Piece::new(format!("{} {sign} {}", number.text, literal(bound?)), number.values))
        });
        Piece::joined(bounds.collect(), " AND ")
    }

    /// A text with the letters of `wanted` in small. Without a locale, the engines know of no others than ASCII's.
    fn in_small_letters(&self, text: Piece, wanted: &str) -> Piece {
        let mut small = match self.engine {
            Engine::Sqlite => Piece::new(format!("lower({})", text.text), text.values),
            Engine::Postgres => Piece::new(format!("lower(({}) COLLATE \"C\")", text.text), text.values),
        };
        let mut letters: Vec<char> = wanted.chars().filter(|letter| !letter.is_ascii()).collect();
        letters.sort_unstable();
        letters.dedup();
        for letter in letters {
            let capital: String = letter.to_uppercase().collect();
            if capital != letter.to_string() && capital.chars().count() == 1 {
                let values = small.values.into_iter().chain([capital.into(), letter.to_string().into()]);
                small = Piece::new(format!("replace({}, ?, ?)", small.text), values);
            }
        }
        small
    }

    /// A field as a number, if it is one, or a text that is written as one.
    fn number(&self, field: &Field<'_>) -> Piece {
        if let Field::Score = field {
            return Piece::new("c.lead_score", []);
        }
        let text = field.text(self.engine);
        let twice = || text.values.iter().chain(&text.values).cloned();
        match self.engine {
            Engine::Sqlite => {
                let guarded = format!(
                    "(CASE WHEN json_valid({0}) THEN CASE json_type({0}) WHEN 'integer' THEN CAST({0} AS REAL) \
                     WHEN 'real' THEN CAST({0} AS REAL) END END)",
                    text.text
                );
                let values = twice().chain(twice());
                Piece::new(guarded, values)
            }
            // A question mark would stand for a value.
            Engine::Postgres => Piece::new(
                format!(
                    "(CASE WHEN {0} ~ '^-{{0,1}}[0-9]{{1,15}}([.][0-9]{{1,15}}){{0,1}}$' THEN CAST({0} AS double precision) END)",
                    text.text
                ),
                twice(),
            ),
        }
    }

    pub(super) fn is_one_of(&self, name: &str, values: &[Scalar]) -> Piece {
        let field = Field::of(name);
        let parts = values.iter().map(|value| match value {
            Scalar::Text(wanted) => {
                let text = field.text(self.engine);
                Piece::new(format!("{} = ?", text.text), text.values).and("", wanted.as_str())
            }
            Scalar::Bool(wanted) => {
                let text = field.text(self.engine);
                Piece::new(format!("{} = '{wanted}'", text.text), text.values)
            }
            Scalar::Int(wanted) => {
                let number = self.number(&field);
                Piece::new(format!("{} = {wanted}", number.text), number.values)
            }
            Scalar::Float(wanted) => {
                let number = self.number(&field);
                Piece::new(format!("{} = {}", number.text, literal(*wanted)), number.values)
            }
        });
        Piece::joined(parts.collect(), " OR ")
    }

    pub(super) fn anniversary(&self, of: &str, before: u32, after: u32) -> Piece {
        let day = match (of, self.engine) {
            ("registered", Engine::Sqlite) => Piece::new("substr(c.registered_at, 6, 5)", []),
            ("registered", Engine::Postgres) => Piece::new("to_char(c.registered_at AT TIME ZONE 'UTC', 'MM-DD')", []),
            (name, _) => {
                let text = Field::of(name).text(self.engine);
                Piece::new(format!("substr({}, 6, 5)", text.text), text.values)
            }
        };
        // From so many days before the anniversary: the day is that much ahead of today.
        let first = self.moment.today - Days::new(after.into());
        let days = (0..=u64::from(before) + u64::from(after)).map(|ahead| first + Days::new(ahead));
        let mut days: Vec<String> = days.flat_map(days_kept_on).collect();
        days.sort_unstable();
        days.dedup();
        let marks = vec!["?"; days.len()].join(", ");
        Piece::new(
            format!("{} IN ({marks})", day.text),
            day.values.into_iter().chain(days.into_iter().map(Value::from)),
        )
    }

    /// A part of all customers by the last digits of their ids, which are random.
    pub(super) fn bucket(&self, from: u32, to: u32, salt: &str) -> Piece {
        const PRIME: u32 = 65_537;
        let digest = Sha256::digest(salt.as_bytes());
        let at = |index: usize| digest.get(index).copied().map_or(0, u32::from);
        let factor = 1 + (at(0) * 256 + at(1)) % (PRIME - 1);
        let offset = at(2) * 256 + at(3);
        let number = match self.engine {
            Engine::Sqlite => (0..4u32)
                .map(|digit| {
                    let weight = 16u32.pow(3 - digit);
                    format!("(instr('0123456789ABCDEF', substr(hex(c.customer_id), {}, 1)) - 1) * {weight}", 29 + digit)
                })
                .collect::<Vec<_>>()
                .join(" + "),
            Engine::Postgres => {
                "CAST(CAST('x' || substr(CAST(c.customer_id AS text), 33, 4) AS bit(16)) AS bigint)".to_owned()
            }
        };
        let bucket = format!("(((({number}) * {factor} + {offset}) % {PRIME}) * {BUCKETS} / {PRIME})");
        Piece::new(format!("({bucket} >= {from} AND {bucket} < {to})"), [])
    }
}

/// On which days a date is kept: the 29th of February on the 28th where the year has none.
fn days_kept_on(day: NaiveDate) -> Vec<String> {
    let mut kept = vec![format!("{:02}-{:02}", day.month(), day.day())];
    let leap = NaiveDate::from_ymd_opt(day.year(), 2, 29).is_some();
    if !leap && day.month() == 2 && day.day() == 28 {
        kept.push("02-29".to_owned());
    }
    kept
}

/// A finite number as SQL writes it.
fn literal(number: f64) -> String {
    format!("{number:?}")
}

/// A field of a customer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field<'a> {
    /// A column of `customers` with text.
    Column(&'static str),
    /// The lead score.
    Score,
    /// One of the customer's own.
    Own(&'a str),
}

impl<'a> Field<'a> {
    /// The field of a name, in camel case or snake case.
    pub fn of(name: &'a str) -> Self {
        match name {
            "territory" => Self::Column("territory"),
            "accountType" | "account_type" => Self::Column("account_type"),
            "accountPriority" | "account_priority" | "priority" => Self::Column("priority"),
            "owner" => Self::Column("owner"),
            "industry" => Self::Column("industry"),
            "locale" => Self::Column("locale"),
            "timeZone" | "time_zone" => Self::Column("time_zone"),
            "preferredHours" | "preferred_hours" => Self::Column("preferred_hours"),
            "source" => Self::Column("source"),
            "leadScore" | "lead_score" => Self::Score,
            own => Self::Own(own),
        }
    }

    /// As text; a truth value is `true` or `false`.
    fn text(&self, engine: Engine) -> Piece {
        match self {
            Self::Column(column) => Piece::new(format!("c.{column}"), []),
            Self::Score => Piece::new("CAST(c.lead_score AS TEXT)", []),
            Self::Own(name) => match engine {
                // SQLite gives truth values as numbers.
                Engine::Sqlite => Piece::new(
                    // As a path: a bare name that begins with $ or [ would be taken for one.
                    "(CASE c.attributes -> ? WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' \
                     ELSE CAST(c.attributes ->> ? AS TEXT) END)",
                    [0, 1].map(|_| format!("$.\"{name}\"").into()),
                ),
                Engine::Postgres => Piece::new("(c.attributes ->> ?)", [(*name).into()]),
            },
        }
    }
}
