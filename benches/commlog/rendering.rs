//! The mails of the starter set, rendered for one customer after the other on one core; each with values of its own.

use std::time::{Duration, Instant};

use chrono_tz::Tz;
use commlog::cli::templates::{Library, sample_values, starter};
use commlog::domain::template::content::{Content, TemplateKind};
use commlog::rendering::compile;
use serde_json::json;

use crate::log::per_second;
use crate::report::{Goal, Measurement};
use crate::stores::Place;
use crate::{Engine, Result, Size};

pub fn run(place: &Place, size: Size) -> Result<Vec<Measurement>> {
    if place.engine != Engine::Sqlite {
        // No database takes part.
        return Ok(vec![]);
    }
    let library = Library::of(starter::templates());
    let lasting = Duration::from_secs(size.seconds) / 8;
    let mut measured: Vec<(f64, usize, &str, f64)> = Vec::new();
    for (code, template) in &library.folder.templates {
        let draft = &template.draft;
        let mail = draft.contents.iter().find(|local| {
            draft.kind == TemplateKind::Message && local.locale == "en" && matches!(local.content, Content::Email(_))
        });
        let Some(mail) = mail else { continue };
        let began = Instant::now();
        let compiled = compile(mail, &library.includes(&draft.contents))?;
        let compiling = began.elapsed().as_secs_f64() * 1e3;
        let mut given = library.folder.samples_for(template);
        let (mut made, mut bytes, began) = (0_u64, 0, Instant::now());
        while began.elapsed() < lasting {
            for _ in 0..100 {
                given.insert("customer_name".to_owned(), json!(format!("Customer Number {made}")));
                let rendered = compiled.render(&sample_values(&given, &draft.variables, None), Tz::Europe__London)?;
                bytes = rendered.html.as_ref().map_or(0, String::len);
                made += 1;
            }
        }
        measured.push((per_second(made, began.elapsed()), bytes, code, compiling));
    }
    measured.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (slowest, bytes, code, _) = *measured.first().ok_or("no templates")?;
    let mean = measured.len() as f64 / measured.iter().map(|(rate, ..)| 1.0 / rate).sum::<f64>();
    let compiling = measured.iter().map(|(.., took)| *took).fold(0.0, f64::max);
    let copied = copies(bytes);
    let name = "templates: mails rendered on one core, all of the starter set in turn";
    Ok(vec![
        Measurement::new(place.engine, name, mean, "mails/s", Goal::AtLeast(20_000.0))
            .limit(copied, "copies/s of a page as large")
            .note(format!("slowest {code}, {bytes} bytes of HTML: {slowest:.0}/s")),
        Measurement::new(place.engine, "templates: compiling the slowest, once", compiling, "ms", Goal::Below(100.0)),
    ])
}

/// How often a page can be copied.
fn copies(bytes: usize) -> f64 {
    let page = "x".repeat(bytes);
    let (mut made, began) = (0_u64, Instant::now());
    while began.elapsed() < Duration::from_millis(200) {
        for _ in 0..1_000 {
            std::hint::black_box(page.clone());
            made += 1;
        }
    }
    per_second(made, began.elapsed())
}
