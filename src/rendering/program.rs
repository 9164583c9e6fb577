//! A text that is ready to be rendered.

use std::io::{self, Write};
use std::sync::Arc;

use chrono_tz::Tz;
use liquid_core::model::Object;
use liquid_core::runtime::RuntimeBuilder;
use liquid_core::{Renderable, Runtime, Template};
use pure_rust_locales::Locale;

use super::fault::{Fault, FaultKind};
use super::language;
use super::scan::{BLOCKS, shown};
use super::steps::Run;
use super::weave::{Slot, Woven};

/// The largest page or text that is made, in bytes.
pub(super) const MAX_OUTPUT: usize = 200 * 1024;

/// A compiled text.
#[derive(Debug)]
pub(super) struct Program {
    template: Template,
    slots: Arc<[Slot]>,
}

impl Program {
    /// Compiles a page or text that the marks are in.
    pub fn compile(woven: &Woven, page: &str) -> Result<Self, Fault> {
        let slots: Arc<[Slot]> = woven.slots.clone().into();
        check_slots(&slots)?;
        let liquid = woven.to_liquid(page)?;
        let language = language::of(&slots);
        let elements = liquid_core::parser::parse(&liquid, &language)
            .map_err(|error| Fault::new(FaultKind::Syntax, None, reason(&error.to_string())))?;
        Ok(Self { template: Template::new(elements), slots })
    }

    /// Fills the values in.
    pub fn render(&self, values: &Object, locale: Locale, zone: Tz) -> Result<String, Fault> {
        let runtime = RuntimeBuilder::new().set_globals(values).build();
        *runtime.registers().get_mut::<Run>() = Run { locale, zone, ..Run::default() };
        let mut output = Bounded { bytes: Vec::with_capacity(4 * 1024), is_over: false };
        let rendered = self.template.render_to(&mut output, &runtime);
        if output.is_over {
            let message = format!("becomes longer than {MAX_OUTPUT} bytes");
            return Err(Fault::new(FaultKind::Limit, None, message));
        }
        match rendered {
            Ok(()) => Ok(String::from_utf8(output.bytes)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())),
            Err(error) => Err(self.fault(&runtime, &error)),
        }
    }

    fn fault(&self, runtime: &dyn Runtime, error: &liquid_core::Error) -> Fault {
        let Some(failure) = runtime.registers().get_mut::<Run>().failure.take() else {
            return Fault::new(FaultKind::Value, None, reason(&error.to_string()));
        };
        let Some(slot) = failure.slot.and_then(|slot| self.slots.get(slot)) else {
            return Fault::new(failure.kind, None, failure.message);
        };
        let wrote = match slot.name.as_str() {
            "" => shown(&format!("{{{{ {} }}}}", slot.inner)),
            name => shown(&format!("{{% {name} {} %}}", slot.inner)),
        };
        let message = match failure.kind {
            FaultKind::Undefined => format!(
                "{wrote} has no value here: check the names, or give a default, as in {{{{ name | default: \"there\" }}}}"
            ),
            _ => format!("{wrote} {}", failure.message),
        };
        Fault::at(failure.kind, &slot.place, message)
    }
}

/// Parses each output and tag by itself, so that a mistake has its place.
fn check_slots(slots: &Arc<[Slot]>) -> Result<(), Fault> {
    let language = language::of(slots);
    for (number, slot) in slots.iter().enumerate() {
        let inner = &slot.inner;
        let alone = match slot.name.as_str() {
            "" => format!("{{% out {number} {inner} %}}"),
            "assign" => format!("{{% assign {number} {inner} %}}"),
            "case" => format!("{{% case {number} {inner} %}}{{% when 1 %}}{{% endcase %}}"),
            "elsif" => format!("{{% if 0 {inner} %}}{{% endif %}}"),
            "when" => format!("{{% case 0 1 %}}{{% when {inner} %}}{{% endcase %}}"),
            "dropped" => continue,
            name => match BLOCKS.iter().find(|(begin, _)| *begin == name) {
                Some((_, end)) => format!("{{% {name} {number} {inner} %}}{{% {end} %}}"),
                None if inner.is_empty() => continue,
                None => {
                    let message = format!("nothing may follow {name}");
                    return Err(Fault::at(FaultKind::Syntax, &slot.place, message));
                }
            },
        };
        if let Err(error) = liquid_core::parser::parse(&alone, &language) {
            let wrote = if slot.name.is_empty() {
                shown(&format!("{{{{ {inner} }}}}"))
            } else {
                shown(&format!("{{% {} {inner} %}}", slot.name))
            };
            let message =
                format!("{wrote} cannot be read: {}", advice(inner).unwrap_or_else(|| reason(&error.to_string())));
            return Err(Fault::at(FaultKind::Syntax, &slot.place, message));
        }
    }
    Ok(())
}

/// What to do about what editors put between the braces.
fn advice(inner: &str) -> Option<String> {
    const SIGNS: [&str; 8] = ["&quot;", "&#34;", "&#39;", "&apos;", "&amp;", "&lt;", "&gt;", "&nbsp;"];
    if let Some(sign) = SIGNS.iter().find(|sign| inner.contains(**sign)) {
        return Some(match *sign {
            "&nbsp;" => "write a space instead of &nbsp; in it".to_owned(),
            sign => format!("write the sign itself instead of {sign} in it"),
        });
    }
    if inner.contains(['“', '”', '„', '‟', '«', '»', '‘', '’', '‚']) {
        return Some("write straight quotes, \" or ', in it".to_owned());
    }
    let is_tag = |rest: &str| rest.starts_with(|c: char| c == '/' || c.is_ascii_alphabetic()) && rest.contains('>');
    let has_tag = inner.match_indices('<').any(|(at, _)| is_tag(&inner[at + 1..]));
    has_tag.then(|| "an HTML element stands in it: put it around the braces".to_owned())
}

/// What Liquid's parser expects: the last line of its picture of a text that the author did not write.
fn reason(error: &str) -> String {
    let expected = error.lines().rev().find_map(|line| line.trim().strip_prefix("= "));
    let words = expected.or_else(|| error.lines().next()).unwrap_or_default();
    words.trim_start_matches("liquid:").trim().to_owned()
}

/// Takes no more than a mail may have.
struct Bounded {
    bytes: Vec<u8>,
    is_over: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MAX_OUTPUT {
            self.is_over = true;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
