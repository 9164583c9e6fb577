//! The Liquid that templates are written in: outputs, conditions, loops and assignments of the `liquid` library, each of which
//! counts as a step and says where it fails. What could run without end or read from elsewhere is not in it.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use liquid_core::error::Error;
use liquid_core::model::{KString, KStringCow, KStringRef, ScalarCow, Value, ValueCow, ValueView};
use liquid_core::parser::{BlockElement, FilterChain, TryMatchToken};
use liquid_core::runtime::PartialStore;
use liquid_core::runtime::{Interrupt, InterruptRegister, Registers, StackFrame};
use liquid_core::{
    BlockReflection, Expression, Language, ParseBlock, ParseTag, Renderable, Result, Runtime, TagBlock, TagReflection,
    TagTokenIter, Template,
};
use liquid_lib::stdlib::{self, ForloopObject, Range, RangeExpression};

use super::fault::FaultKind;
use super::filters::{self, formats};
use super::scan;
use super::steps::{self, Run, fail};
use super::weave::{Escape, Slot};

/// Rounds of a loop over numbers at most.
const MAX_RANGE: i64 = 1_000;

/// The language of a text with these slots.
pub(super) fn of(slots: &Arc<[Slot]>) -> Language {
    let mut language = Language::empty();
    language.tags.register("out".to_owned(), Box::new(OutTag(Arc::clone(slots))));
    language.tags.register("assign".to_owned(), Box::new(AssignTag(Arc::clone(slots))));
    language.tags.register("brace".to_owned(), Box::new(BraceTag));
    language.tags.register("break".to_owned(), stdlib::BreakTag.into());
    language.tags.register("continue".to_owned(), stdlib::ContinueTag.into());
    language.blocks.register("if".to_owned(), Box::new(Placed(stdlib::IfBlock)));
    language.blocks.register("unless".to_owned(), Box::new(Placed(stdlib::UnlessBlock)));
    language.blocks.register("case".to_owned(), Box::new(Placed(stdlib::CaseBlock)));
    language.blocks.register("for".to_owned(), Box::new(Placed(ForBlock)));
    filters::register(&mut language);
    language
}

/// The number that each output and block begins with.
fn slot_number(arguments: &mut TagTokenIter<'_>) -> Result<usize> {
    let token = arguments.expect_next("number expected")?;
    let number = token.as_str().parse().map_err(|_| Error::with_msg("number expected"))?;
    Ok(number)
}

/// A runtime in which what is unknown is nothing: for chains with a default.
struct Lenient<'r>(&'r dyn Runtime);

impl Runtime for Lenient<'_> {
    fn partials(&self) -> &dyn PartialStore {
        self.0.partials()
    }

    fn name(&self) -> Option<KStringRef<'_>> {
        self.0.name()
    }

    fn roots(&self) -> std::collections::BTreeSet<KStringCow<'_>> {
        self.0.roots()
    }

    fn try_get(&self, path: &[ScalarCow<'_>]) -> Option<ValueCow<'_>> {
        self.0.try_get(path)
    }

    fn get(&self, path: &[ScalarCow<'_>]) -> Result<ValueCow<'_>> {
        Ok(self.0.try_get(path).unwrap_or(ValueCow::Owned(Value::Nil)))
    }

    fn set_global(&self, name: KString, val: Value) -> Option<Value> {
        self.0.set_global(name, val)
    }

    fn set_index(&self, name: KString, val: Value) -> Option<Value> {
        self.0.set_index(name, val)
    }

    fn get_index<'a>(&'a self, name: &str) -> Option<ValueCow<'a>> {
        self.0.get_index(name)
    }

    fn registers(&self) -> &Registers {
        self.0.registers()
    }
}

/// A value with its filters, at a slot.
#[derive(Debug)]
struct Chain {
    slot: usize,
    chain: FilterChain,
    /// It has a default, so that an unknown value is no mistake.
    has_default: bool,
}

impl Chain {
    fn parse(slot: usize, inner: &str, arguments: &mut TagTokenIter<'_>, options: &Language) -> Result<Self> {
        let chain = arguments.expect_next("value expected")?.expect_filter_chain(options).into_result()?;
        arguments.expect_nothing()?;
        let has_default = scan::chain(inner).iter().skip(1).any(|part| scan::filter_name(part) == "default");
        Ok(Self { slot, chain, has_default })
    }

    /// Calls `then` with the value.
    fn with<T>(&self, runtime: &dyn Runtime, then: impl FnOnce(&dyn ValueView) -> Result<T>) -> Result<T> {
        let at = |error| steps::at(runtime, self.slot, error);
        steps::spend(runtime, 1).map_err(at)?;
        if self.has_default {
            let lenient = Lenient(runtime);
            let value = self.chain.evaluate(&lenient).map_err(at)?;
            then(value.as_view()).map_err(at)
        } else {
            let value = self.chain.evaluate(runtime).map_err(at)?;
            then(value.as_view()).map_err(at)
        }
    }
}

#[derive(Clone, Debug)]
struct OutTag(Arc<[Slot]>);

impl TagReflection for OutTag {
    fn tag(&self) -> &'static str {
        "out"
    }

    fn description(&self) -> &'static str {
        "writes a value"
    }
}

impl ParseTag for OutTag {
    fn parse(&self, mut arguments: TagTokenIter<'_>, options: &Language) -> Result<Box<dyn Renderable>> {
        let number = slot_number(&mut arguments)?;
        let slot = self.0.get(number).ok_or_else(|| Error::with_msg("unknown slot"))?;
        let chain = Chain::parse(number, &slot.inner, &mut arguments, options)?;
        let parts = scan::chain(&slot.inner);
        // What its author has already made safe is not made so again.
        let is_escaped = parts.len() > 1
            && parts.last().is_some_and(|last| matches!(scan::filter_name(last), "escape" | "escape_once"));
        let breaks_lines = parts.last().is_some_and(|last| scan::filter_name(last) == "newline_to_br");
        let escape = if is_escaped && slot.escape == Escape::Html { Escape::None } else { slot.escape };
        Ok(Box::new(Out { chain, escape, breaks_lines }))
    }

    fn reflection(&self) -> &dyn TagReflection {
        self
    }
}

#[derive(Debug)]
struct Out {
    chain: Chain,
    escape: Escape,
    /// The line breaks that its last filter writes are markup.
    breaks_lines: bool,
}

impl Renderable for Out {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> Result<()> {
        self.chain.with(runtime, |value| {
            if value.is_nil() {
                return Err(fail(runtime, FaultKind::Undefined, "has no value"));
            }
            if value.is_array() || value.is_object() {
                let message = format!("is {}, which cannot be written: name one of its values", kind_of(value));
                return Err(fail(runtime, FaultKind::Value, &message));
            }
            let text = text_of(value, runtime);
            match self.escape {
                Escape::None => writer.write_all(text.as_bytes()),
                Escape::Html if self.breaks_lines => {
                    let mut lines = text.split("<br />");
                    let first = lines.next().unwrap_or_default();
                    write_escaped(writer, first).and_then(|()| {
                        lines
                            .try_for_each(|line| writer.write_all(b"<br />").and_then(|()| write_escaped(writer, line)))
                    })
                }
                Escape::Html => write_escaped(writer, &text),
                Escape::Url if is_address(&text) => write_escaped(writer, &without_spaces(&text)),
                Escape::InUrl => write_escaped(writer, &without_spaces(&text)),
                Escape::InPlainUrl => writer.write_all(without_spaces(&text).as_bytes()),
                Escape::Url => {
                    let message = "is not a web address, mailbox or phone number, and begins a link or image";
                    return Err(fail(runtime, FaultKind::Value, message));
                }
            }
            .map_err(|_| Error::with_msg("too long"))
        })
    }
}

fn kind_of(value: &dyn ValueView) -> &'static str {
    if value.is_array() { "a list" } else { "an object" }
}

fn text_of<'v>(value: &'v dyn ValueView, runtime: &dyn Runtime) -> std::borrow::Cow<'v, str> {
    if value.type_name() == "date time" {
        let run = runtime.registers().get_mut::<Run>();
        let text = value.to_kstr();
        if let Some(date) = formats::date(&text, "long", run.locale, run.zone) {
            return date.into();
        }
    }
    match value.to_kstr() {
        text if text.as_str().is_empty() => "".into(),
        text => text.into_cow_str(),
    }
}

/// A part of an address, whose spaces would end it. What else has a meaning in addresses stays: the value may be more than one
/// part.
fn without_spaces(text: &str) -> String {
    text.trim().replace(char::is_whitespace, "%20")
}

fn write_escaped(writer: &mut dyn Write, text: &str) -> std::io::Result<()> {
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escaped = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\'' => "&#39;",
            _ => continue,
        };
        writer.write_all(&text.as_bytes()[from..at])?;
        writer.write_all(escaped.as_bytes())?;
        from = at + 1;
    }
    writer.write_all(&text.as_bytes()[from..])
}

/// Whether a text may begin a link: nothing that runs. Relative ones are left to the lint.
fn is_address(text: &str) -> bool {
    let text = text.trim_start();
    let scheme = text.split(['/', '?', '#']).next().unwrap_or_default().split_once(':').map(|(scheme, _)| scheme);
    let allowed = ["http", "https", "mailto", "tel", "sms", "cid"];
    !text.contains(|c: char| c.is_control())
        && scheme.is_none_or(|scheme| allowed.iter().any(|one| scheme.eq_ignore_ascii_case(one)))
}

#[derive(Clone, Debug)]
struct AssignTag(Arc<[Slot]>);

impl TagReflection for AssignTag {
    fn tag(&self) -> &'static str {
        "assign"
    }

    fn description(&self) -> &'static str {
        "names a value"
    }
}

impl ParseTag for AssignTag {
    fn parse(&self, mut arguments: TagTokenIter<'_>, options: &Language) -> Result<Box<dyn Renderable>> {
        let number = slot_number(&mut arguments)?;
        let inner = self.0.get(number).map(|slot| slot.inner.as_str()).unwrap_or_default();
        let name = arguments.expect_next("name expected")?.expect_identifier().into_result()?;
        let name = KString::from_ref(name);
        arguments.expect_next("= expected")?.expect_str("=").into_result_custom_msg("= expected")?;
        let chain = Chain::parse(number, inner, &mut arguments, options)?;
        Ok(Box::new(Assign { name, chain }))
    }

    fn reflection(&self) -> &dyn TagReflection {
        self
    }
}

#[derive(Debug)]
struct Assign {
    name: KString,
    chain: Chain,
}

impl Renderable for Assign {
    fn render_to(&self, _: &mut dyn Write, runtime: &dyn Runtime) -> Result<()> {
        let value = self.chain.with(runtime, |value| {
            steps::check_size(runtime, value)?;
            Ok(value.to_value())
        })?;
        runtime.set_global(self.name.clone(), value);
        Ok(())
    }
}

/// A `{` that begins no Liquid.
#[derive(Clone, Debug)]
struct BraceTag;

impl TagReflection for BraceTag {
    fn tag(&self) -> &'static str {
        "brace"
    }

    fn description(&self) -> &'static str {
        "writes a brace"
    }
}

impl ParseTag for BraceTag {
    fn parse(&self, mut arguments: TagTokenIter<'_>, _: &Language) -> Result<Box<dyn Renderable>> {
        arguments.expect_nothing()?;
        Ok(Box::new(self.clone()))
    }

    fn reflection(&self) -> &dyn TagReflection {
        self
    }
}

impl Renderable for BraceTag {
    fn render_to(&self, writer: &mut dyn Write, _: &dyn Runtime) -> Result<()> {
        writer.write_all(b"{").map_err(|_| Error::with_msg("too long"))
    }
}

/// A block that says where it stands when it fails.
#[derive(Clone, Debug)]
struct Placed<B>(B);

impl<B: ParseBlock + Clone + 'static> ParseBlock for Placed<B> {
    fn parse(
        &self,
        mut arguments: TagTokenIter<'_>,
        block: TagBlock<'_, '_>,
        options: &Language,
    ) -> Result<Box<dyn Renderable>> {
        let slot = slot_number(&mut arguments)?;
        let inner = self.0.parse(arguments, block, options)?;
        Ok(Box::new(At { slot, inner }))
    }

    fn reflection(&self) -> &dyn BlockReflection {
        self.0.reflection()
    }
}

#[derive(Debug)]
struct At {
    slot: usize,
    inner: Box<dyn Renderable>,
}

impl Renderable for At {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> Result<()> {
        let done = steps::spend(runtime, 1).and_then(|()| self.inner.render_to(writer, runtime));
        done.map_err(|error| steps::at(runtime, self.slot, error))
    }
}

/// A loop. Not the library's: that one makes the whole of a range before it begins, and repeats nothing for `limit` with
/// `offset` beyond the end.
#[derive(Clone, Debug)]
struct ForBlock;

impl BlockReflection for ForBlock {
    fn start_tag(&self) -> &'static str {
        "for"
    }

    fn end_tag(&self) -> &'static str {
        "endfor"
    }

    fn description(&self) -> &'static str {
        "repeats for each value"
    }
}

impl ParseBlock for ForBlock {
    fn parse(
        &self,
        mut arguments: TagTokenIter<'_>,
        mut block: TagBlock<'_, '_>,
        options: &Language,
    ) -> Result<Box<dyn Renderable>> {
        let name = arguments.expect_next("name expected")?.expect_identifier().into_result()?;
        let name = KString::from_ref(name);
        arguments.expect_next("in expected")?.expect_str("in").into_result_custom_msg("in expected")?;
        let range = match arguments.expect_next("list expected")?.expect_value() {
            TryMatchToken::Matches(list) => RangeExpression::Array(list),
            TryMatchToken::Fails(token) => {
                let (first, last) = token.expect_range().into_result()?;
                RangeExpression::Counted(first, last)
            }
        };
        let (mut limit, mut offset, mut is_reversed) = (None, None, false);
        while let Some(token) = arguments.next() {
            match token.as_str() {
                "limit" => limit = Some(attribute(&mut arguments)?),
                "offset" => offset = Some(attribute(&mut arguments)?),
                "reversed" => is_reversed = true,
                _ => return Err(token.raise_custom_error("limit, offset or reversed expected")),
            }
        }
        let (mut body, mut otherwise) = (vec![], vec![]);
        while let Some(element) = block.next()? {
            match element {
                BlockElement::Tag(tag) if tag.name() == "else" => {
                    otherwise = block.parse_all(options)?;
                    break;
                }
                BlockElement::Tag(tag) => body.push(tag.parse(&mut block, options)?),
                element => body.push(element.parse(&mut block, options)?),
            }
        }
        block.assert_empty();
        let (body, otherwise) = (Template::new(body), Template::new(otherwise));
        Ok(Box::new(For { name, range, body, otherwise, limit, offset, is_reversed }))
    }

    fn reflection(&self) -> &dyn BlockReflection {
        self
    }
}

fn attribute(arguments: &mut TagTokenIter<'_>) -> Result<Expression> {
    arguments.expect_next(": expected")?.expect_str(":").into_result_custom_msg(": expected")?;
    arguments.expect_next("value expected")?.expect_value().into_result()
}

#[derive(Debug)]
struct For {
    name: KString,
    range: RangeExpression,
    body: Template,
    otherwise: Template,
    limit: Option<Expression>,
    offset: Option<Expression>,
    is_reversed: bool,
}

impl For {
    fn count(&self, expression: Option<&Expression>, runtime: &dyn Runtime) -> Result<Option<usize>> {
        let Some(expression) = expression else { return Ok(None) };
        let value = expression.evaluate(runtime)?;
        let number = value.as_view().as_scalar().and_then(|number| number.to_integer());
        let number = number.and_then(|number| usize::try_from(number).ok());
        number.map(Some).ok_or_else(|| fail(runtime, FaultKind::Value, "limit and offset are whole numbers from 0"))
    }
}

impl Renderable for For {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> Result<()> {
        let range = self.range.evaluate(runtime)?;
        if let Range::Counted(first, last) = &range
            && last.saturating_sub(*first) >= MAX_RANGE
        {
            let message = format!("loops over more than {MAX_RANGE} numbers");
            return Err(fail(runtime, FaultKind::Limit, &message));
        }
        let all = range.evaluate()?;
        let offset = self.count(self.offset.as_ref(), runtime)?.unwrap_or(0);
        let limit = self.count(self.limit.as_ref(), runtime)?.unwrap_or(usize::MAX);
        let mut chosen: Vec<_> = all.into_iter().skip(offset).take(limit).collect();
        if self.is_reversed {
            chosen.reverse();
        }
        if chosen.is_empty() {
            return self.otherwise.render_to(writer, runtime);
        }
        let length = chosen.len();
        for (index, value) in chosen.into_iter().enumerate() {
            steps::spend(runtime, 1)?;
            let forloop = ForloopObject::new(index, length);
            let mut scope = HashMap::<KStringRef<'_>, &dyn ValueView>::new();
            scope.insert("forloop".into(), &forloop);
            scope.insert(self.name.as_ref(), &value);
            let frame = StackFrame::new(runtime, &scope);
            self.body.render_to(writer, &frame)?;
            let interrupt = frame.registers().get_mut::<InterruptRegister>().reset();
            if matches!(interrupt, Some(Interrupt::Break)) {
                break;
            }
        }
        Ok(())
    }
}
