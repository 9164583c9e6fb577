//! `commlog templates lint`: what to correct in a folder before it is pushed, and what to look at.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::library::Library;
use super::problem::Problem;
use crate::domain::message::event::MessageClass;
use crate::domain::template::content::TemplateKind;
use crate::rendering::lint::{Finding, Level, Purpose, lint};
use crate::rendering::{FaultKind, Values, compile};

/// All that is found in the templates with these codes, by file and line.
#[must_use]
pub fn findings<'c>(library: &Library, codes: impl IntoIterator<Item = &'c String>) -> Vec<Problem> {
    let mut problems = vec![];
    for code in codes {
        let Some(template) = library.folder.templates.get(code) else { continue };
        let draft = &template.draft;
        let includes = library.includes(&draft.contents);
        let purpose = Purpose {
            is_marketing: draft.class == MessageClass::Marketing,
            is_partial: draft.kind == TemplateKind::Partial,
        };
        for local in &draft.contents {
            let found: Vec<Finding> = lint(local, &includes, purpose);
            let can_be_rendered = !purpose.is_partial && found.iter().all(|finding| finding.level < Level::Error);
            problems.extend(found.into_iter().map(|finding| library.folder.placed(code, finding)));
            if can_be_rendered && library.folder.has_samples() {
                let values = sample_values(&library.folder.samples_for(template), &draft.variables, library.now);
                let rendered = compile(local, &includes).and_then(|compiled| compiled.render(&values, Tz::UTC));
                if let Err(fault) = rendered {
                    let is_missing = fault.kind == FaultKind::Undefined;
                    let mut problem = library.folder.placed_fault(code, local.content.channel(), &local.locale, fault);
                    problem.level = Level::Warning;
                    if is_missing {
                        problem.message = format!("{}; sample.toml gives it none", problem.message);
                    }
                    problems.push(problem);
                }
            }
        }
    }
    sorted(problems)
}

/// Values of a preview without a customer and without a store; `now` is when it is made.
#[must_use]
pub fn sample_values(
    given: &BTreeMap<String, Value>,
    defaults: &BTreeMap<String, Value>,
    now: Option<DateTime<Utc>>,
) -> Values {
    let page = |name: &str| format!("https://example.com/{name}/preview");
    let values = Values::given(given, defaults);
    let values = match now {
        Some(now) => values.at(now),
        None => values,
    };
    values.with("unsubscribe_url", &page("u")).with("preferences_url", &page("preferences"))
}

/// Problems by file and line, each once: what a partial has wrong shows in all that include it.
#[must_use]
pub fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by(|a, b| (&a.file, a.spot, &a.message).cmp(&(&b.file, b.spot, &b.message)));
    problems.dedup();
    problems
}
