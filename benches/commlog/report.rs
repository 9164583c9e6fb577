//! What was measured: a table for people, JSON for scripts.

use std::path::Path;

use crate::{Engine, Result};

/// What is promised.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    AtLeast(f64),
    Below(f64),
    /// Nothing: for orientation.
    None,
}

/// One figure.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Measurement {
    pub engine: Engine,
    pub work: String,
    pub value: f64,
    pub unit: String,
    pub goal: Goal,
    /// What this machine can do at most in the same run, and what that is.
    pub limit: Option<(f64, String)>,
    /// What people should know beside it.
    pub note: String,
}

impl Measurement {
    pub fn new(engine: Engine, work: impl Into<String>, value: f64, unit: &str, goal: Goal) -> Self {
        Self { engine, work: work.into(), value, unit: unit.to_owned(), goal, limit: None, note: String::new() }
    }

    pub fn limit(mut self, value: f64, what: impl Into<String>) -> Self {
        self.limit = Some((value, what.into()));
        self
    }

    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    fn met(&self) -> Option<bool> {
        match self.goal {
            Goal::AtLeast(goal) => Some(self.value >= goal),
            Goal::Below(goal) => Some(self.value < goal),
            Goal::None => None,
        }
    }
}

/// Chooses what is promised by engine.
pub fn goal(engine: Engine, sqlite: Goal, postgres: Goal) -> Goal {
    match engine {
        Engine::Sqlite => sqlite,
        Engine::Postgres => postgres,
    }
}

/// The most memory that a process ever held, in MB (Linux: `VmHWM`); `self` is this one.
pub fn peak_of(process: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.split_whitespace().next()?.parse::<f64>().ok()? / 1_024.0)
}

/// The most memory that this process ever held.
pub fn peak_memory(engine: Engine, section: &str, most: f64) -> Measurement {
    let peak = peak_of("self");
    let goal = if peak.is_some() { Goal::Below(most) } else { Goal::None };
    Measurement::new(engine, format!("peak memory: {section}"), peak.unwrap_or_default(), "MB", goal)
}

/// Collects and prints.
pub struct Report {
    quick: bool,
    measurements: Vec<Measurement>,
}

impl Report {
    pub fn new(quick: bool) -> Self {
        Self { quick, measurements: Vec::new() }
    }

    pub fn print_head(&self) {
        if self.quick {
            println!("(--quick: small sizes, for trying the benchmark only)");
        }
        println!("| engine | work | measured | promised | limit in the same run | |");
        println!("|---|---|---:|---:|---|---|");
    }

    pub fn add(&mut self, measurement: Measurement) {
        let m = &measurement;
        let goal = match m.goal {
            Goal::AtLeast(goal) => format!("≥ {}", number(goal)),
            Goal::Below(goal) => format!("< {}", number(goal)),
            Goal::None => String::new(),
        };
        let limit = m.limit.as_ref().map_or(String::new(), |(value, what)| {
            let share = if *value > 0.0 { format!(" ({:.0} %)", 100.0 * m.value / value) } else { String::new() };
            format!("{} {what}{share}", number(*value))
        });
        let verdict = match m.met() {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "",
        };
        let engine = if m.engine == Engine::Sqlite { "SQLite" } else { "PostgreSQL" };
        let note = if m.note.is_empty() { String::new() } else { format!(" ({})", m.note) };
        println!("| {engine} | {}{note} | {} {} | {goal} | {limit} | {verdict} |", m.work, number(m.value), m.unit);
        self.measurements.push(measurement);
    }

    pub fn finish(&self, file: &Path) -> Result {
        let cores = std::thread::available_parallelism()?.get();
        let json = serde_json::json!({ "quick": self.quick, "cores": cores, "measurements": self.measurements });
        std::fs::write(file, serde_json::to_string_pretty(&json)?)?;
        println!("\n{cores} cores; as JSON in {}", file.display());
        Ok(())
    }
}

/// A number with thousands separated, and decimals where they matter.
fn number(value: f64) -> String {
    if value.abs() < 100.0 && value.fract() != 0.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let grouped: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|chunk| std::str::from_utf8(chunk).unwrap_or_default()).collect();
    grouped.join(",")
}
