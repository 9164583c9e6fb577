//! Filters. Those of the `liquid` library that take time in proportion to what they read are its own, metered; those that
//! multiply, overflow or depend on where the reader lives are ours.

pub(super) mod formats;
mod numbers;
mod texts;

use std::fmt;

use liquid_core::model::{Value, ValueView};
use liquid_core::parser::{FilterArguments, ParameterReflection};
use liquid_core::{Error, Expression, Filter, FilterReflection, Language, ParseFilter, Result, Runtime};
use liquid_lib::stdlib;

use super::steps;

macro_rules! filters {
    (library { $($name:literal = $filter:ident,)* } own { $($own:literal = $run:path, $least:literal..=$most:literal,)* }) => {
        /// The names of all filters.
        pub(super) const NAMES: &[&str] = &[$($name,)* $($own,)*];

        /// Adds the filters to a language.
        pub(super) fn register(language: &mut Language) {
            $(language.filters.register($name.to_owned(), Box::new(Metered(stdlib::$filter)));)*
            $(language.filters.register(
                $own.to_owned(),
                Box::new(OwnFilter { name: $own, least: $least, most: $most, run: $run }),
            );)*
        }
    };
}

filters! {
    library {
        "append" = Append, "capitalize" = Capitalize, "ceil" = Ceil, "compact" = Compact, "concat" = Concat,
        "default" = Default, "downcase" = Downcase, "escape" = Escape, "escape_once" = EscapeOnce, "first" = First,
        "floor" = Floor, "last" = Last, "lstrip" = Lstrip, "map" = Map, "newline_to_br" = NewlineToBr,
        "prepend" = Prepend, "remove" = Remove, "remove_first" = RemoveFirst, "replace_first" = ReplaceFirst,
        "reverse" = Reverse, "round" = Round, "rstrip" = Rstrip, "size" = Size, "split" = Split, "strip" = Strip,
        "strip_html" = StripHtml, "strip_newlines" = StripNewlines, "upcase" = Upcase, "url_decode" = UrlDecode,
        "url_encode" = UrlEncode, "where" = Where,
    }
    own {
        "abs" = numbers::abs, 0..=0,
        "at_least" = numbers::at_least, 1..=1,
        "at_most" = numbers::at_most, 1..=1,
        "date" = texts::date, 0..=2,
        "divided_by" = numbers::divided_by, 1..=1,
        "join" = texts::join, 0..=1,
        "minus" = numbers::minus, 1..=1,
        "modulo" = numbers::modulo, 1..=1,
        "money" = texts::money, 1..=2,
        "number" = texts::number, 0..=1,
        "plus" = numbers::plus, 1..=1,
        "replace" = texts::replace, 2..=2,
        "slice" = texts::slice, 1..=2,
        "sort" = texts::sort, 0..=1,
        "times" = numbers::times, 1..=1,
        "truncate" = texts::truncate, 1..=2,
    }
}

/// A filter of the library, whose work counts.
#[derive(Clone)]
struct Metered<F>(F);

impl<F: ParseFilter + Clone + 'static> ParseFilter for Metered<F> {
    fn parse(&self, arguments: FilterArguments<'_>) -> Result<Box<dyn Filter>> {
        Ok(Box::new(Meter(self.0.parse(arguments)?)))
    }

    fn reflection(&self) -> &dyn FilterReflection {
        self.0.reflection()
    }
}

#[derive(Debug)]
struct Meter(Box<dyn Filter>);

impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Filter for Meter {
    fn evaluate(&self, input: &dyn ValueView, runtime: &dyn Runtime) -> Result<Value> {
        steps::spend_on(runtime, input)?;
        let value = self.0.evaluate(input, runtime)?;
        steps::check_size(runtime, &value)?;
        Ok(value)
    }
}

/// What one of our filters does with a value and its arguments.
type Run = fn(&dyn ValueView, &[Value], &dyn Runtime) -> Result<Value>;

#[derive(Clone, Copy)]
struct OwnFilter {
    name: &'static str,
    least: usize,
    most: usize,
    run: Run,
}

impl FilterReflection for OwnFilter {
    fn name(&self) -> &str {
        self.name
    }

    fn description(&self) -> &'static str {
        ""
    }

    fn positional_parameters(&self) -> &'static [ParameterReflection] {
        &[]
    }

    fn keyword_parameters(&self) -> &'static [ParameterReflection] {
        &[]
    }
}

impl ParseFilter for OwnFilter {
    fn parse(&self, mut arguments: FilterArguments<'_>) -> Result<Box<dyn Filter>> {
        let positional: Vec<_> = arguments.positional.collect();
        if arguments.keyword.next().is_some() || !(self.least..=self.most).contains(&positional.len()) {
            let (name, least, most) = (self.name, self.least, self.most);
            let count = if least == most { least.to_string() } else { format!("{least} to {most}") };
            return Err(Error::with_msg(format!("the filter {name} takes {count} arguments")));
        }
        Ok(Box::new(Call { filter: *self, arguments: positional }))
    }

    fn reflection(&self) -> &dyn FilterReflection {
        self
    }
}

struct Call {
    filter: OwnFilter,
    arguments: Vec<Expression>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Call").field(&self.filter.name).finish()
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.filter.name)
    }
}

impl Filter for Call {
    fn evaluate(&self, input: &dyn ValueView, runtime: &dyn Runtime) -> Result<Value> {
        steps::spend_on(runtime, input)?;
        let arguments = self.arguments.iter().map(|argument| Ok(argument.evaluate(runtime)?.into_owned()));
        let arguments = arguments.collect::<Result<Vec<_>>>()?;
        let value = (self.filter.run)(input, &arguments, runtime)?;
        steps::check_size(runtime, &value)?;
        Ok(value)
    }
}
