//! Admits documents: what is too large, too deep or too often repeated is refused before it costs anything, and what
//! was parsed once is kept.
//!
//! Three gates, each linear in what it reads: a scan of the bytes before the parser recurses into them; a count of what
//! fragments spread out to (a dozen fragments that use each other twice stand for thousands of fields); and, in
//! async-graphql, the complexity that pages multiply. What keeps the limits is checked against the specification, once.
//!
//! The scan must find the same strings and comments as the parser, or brackets that it skips are brackets that the parser
//! recurses into. Both take `"""` for the beginning of a block string, but the parser reads one that is never closed as an
//! empty string and goes on behind it: the scan refuses such a document.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationType, Selection, SelectionSet};
use async_graphql::{Name, Request, Response, ServerError, Value, Variables};
use moka::sync::Cache;

use super::completion::Conditions;
use super::failure::refused;
use super::limits::Limits;
use super::metrics::OperationKind;
use super::validation::{Checked, check, check_variables, leave_out_absent};

/// Bytes of memory that parsed documents may take, in all.
const KEPT_BYTES: u64 = 32 * 1024 * 1024;

/// Bytes of memory that a document takes at most for each byte of its text: 16 for long names, 37 for short ones.
const WEIGHT: usize = 40;

/// The longest text of a document that is kept. Front ends' are shorter; longer ones hold values, and differ each time.
const LONGEST_KEPT: usize = 16 * 1024;

/// A document that keeps the limits.
pub struct Admitted {
    /// Its parsed form.
    pub document: ExecutableDocument,
    /// Entries of the longest list in its arguments.
    pub longest_list: usize,
    checked: Checked,
}

impl Admitted {
    /// The document for one request, whose variables are checked first. What a variable stands for that was not given is
    /// left out of it.
    pub fn prepare(&self, request: &Request) -> Result<ExecutableDocument, Vec<ServerError>> {
        check_variables(&self.checked, request)?;
        let mut document = self.document.clone();
        leave_out_absent(&mut document, request);
        Ok(document)
    }

    /// What completes the answer to a request, once it was executed.
    #[must_use]
    pub fn completing(self: Arc<Self>, request: &Request) -> Completing {
        let (operation, conditions) = (request.operation_name.clone(), self.checked.conditions(request));
        Completing { admitted: self, operation, conditions }
    }

    /// What an operation of the document does.
    pub fn kind(&self, operation: Option<&str>) -> OperationKind {
        let found = match (&self.document.operations, operation) {
            (DocumentOperations::Single(operation), _) => Some(operation),
            (DocumentOperations::Multiple(all), Some(name)) => all.get(name),
            (DocumentOperations::Multiple(all), None) => all.values().next().filter(|_| all.len() == 1),
        };
        match found.map(|operation| operation.node.ty) {
            Some(OperationType::Query) => OperationKind::query,
            Some(OperationType::Mutation) => OperationKind::mutation,
            Some(OperationType::Subscription) => OperationKind::subscription,
            None => OperationKind::unknown,
        }
    }
}

/// Completes the answers to one request.
pub struct Completing {
    admitted: Arc<Admitted>,
    operation: Option<String>,
    conditions: Conditions,
}

impl Completing {
    /// Brings an answer into the form that the specification asks for.
    pub fn complete(&self, response: &mut Response) {
        self.admitted.checked.complete(self.operation.as_deref(), &self.conditions, response);
    }
}

/// Parsed documents by their text. Cheap to clone.
#[derive(Clone)]
pub struct Documents {
    limits: Arc<Limits>,
    parsed: Cache<Arc<str>, Arc<Admitted>>,
}

impl Documents {
    /// An empty store that admits by these limits.
    #[must_use]
    pub fn new(limits: Arc<Limits>) -> Self {
        let parsed = Cache::builder()
            .weigher(|text: &Arc<str>, _: &Arc<Admitted>| u32::try_from(text.len() * WEIGHT).unwrap_or(u32::MAX))
            .max_capacity(KEPT_BYTES)
            .build();
        Self { limits, parsed }
    }

    /// The parsed document, or the limit or the rules that it breaks.
    pub fn admit(&self, text: &str) -> Result<Arc<Admitted>, Vec<ServerError>> {
        if let Some(document) = self.parsed.get(text) {
            return Ok(document);
        }
        let (document, longest_list) = self.parse(text).map_err(|error| vec![error])?;
        let checked = check(text)?;
        let document = Arc::new(Admitted { document, longest_list, checked });
        if text.len() <= LONGEST_KEPT {
            self.parsed.insert(text.into(), Arc::clone(&document));
        }
        Ok(document)
    }

    fn parse(&self, text: &str) -> Result<(ExecutableDocument, usize), ServerError> {
        scan(text, &self.limits)?;
        let document = parse_query(text).map_err(|error| {
            let found = ServerError::from(error);
            let mut error = refused("INVALID_DOCUMENT", format!("the document cannot be parsed: {}", found.message));
            error.locations = found.locations;
            error
        })?;
        let longest_list = measure(&document, &self.limits)?;
        Ok((document, longest_list))
    }
}

/// Refuses by size, nesting and number of directives. Reads bytes only, so that nothing can make it recurse.
fn scan(text: &str, limits: &Limits) -> Result<(), ServerError> {
    if text.len() > limits.document_bytes {
        let (bytes, most) = (text.len(), limits.document_bytes);
        return Err(refused(
            "DOCUMENT_TOO_LARGE",
            format!("the document has {bytes} bytes; at most {most} are allowed (values belong in variables)"),
        ));
    }
    let bytes = text.as_bytes();
    let (mut at, mut depth, mut directives) = (0, 0_usize, 0_usize);
    while at < bytes.len() {
        match bytes[at] {
            b'#' => {
                at += bytes[at..].iter().position(|&byte| byte == b'\n' || byte == b'\r').unwrap_or(bytes.len() - at)
            }
            b'"' => {
                at = end_of_string(bytes, at).ok_or_else(|| {
                    refused("INVALID_DOCUMENT", "the document cannot be parsed: a string is not closed")
                })?;
            }
            b'{' | b'[' | b'(' => {
                depth += 1;
                if depth > limits.depth {
                    let most = limits.depth;
                    return Err(refused(
                        "DOCUMENT_TOO_DEEP",
                        format!("the document nests deeper than {most} levels of selections, lists and inputs"),
                    ));
                }
            }
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            b'@' => {
                directives += 1;
                if directives > limits.directives {
                    let most = limits.directives;
                    return Err(refused(
                        "TOO_MANY_DIRECTIVES",
                        format!("the document has more than {most} directives"),
                    ));
                }
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// The index of the last byte of the string that starts at `at`; absent if it is not closed.
fn end_of_string(bytes: &[u8], at: usize) -> Option<usize> {
    let block = bytes[at..].starts_with(b"\"\"\"");
    let mut at = at + if block { 3 } else { 1 };
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if block && bytes[at..].starts_with(b"\\\"\"\"") => at += 3,
            b'\\' if !block => at += 1,
            b'"' if !block => return Some(at),
            b'\n' | b'\r' if !block => return None,
            b'"' if bytes[at..].starts_with(b"\"\"\"") => return Some(at + 2),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Refuses variables whose lists and objects nest deeper than a document may. The JSON parser's own limit is higher than
/// what can be read again once it is part of an event.
pub fn admit_variables(variables: &Variables, limits: &Limits) -> Result<(), ServerError> {
    fn fits(value: &Value, levels: usize) -> bool {
        match value {
            Value::List(values) => levels > 0 && values.iter().all(|value| fits(value, levels - 1)),
            Value::Object(fields) => levels > 0 && fields.values().all(|value| fits(value, levels - 1)),
            _ => true,
        }
    }
    match variables.iter().find(|(_, value)| !fits(value, limits.depth)) {
        None => Ok(()),
        Some((name, _)) => {
            let most = limits.depth;
            let message = format!("the variable {name} nests deeper than {most} levels of lists and objects");
            Err(refused("VARIABLES_TOO_DEEP", message))
        }
    }
}

/// What a selection set stands for once its fragments are spread out.
#[derive(Clone, Copy, Default)]
struct Extent {
    depth: usize,
    /// Selection sets within each other, those of fragments too: what executing and validating recurse into.
    nesting: usize,
    selections: usize,
    aliases: usize,
    counts: usize,
    /// Entries of the longest list in an argument.
    list: usize,
}

/// Entries of the longest list in a value.
#[must_use]
pub fn longest_list(value: &Value) -> usize {
    match value {
        Value::List(values) => values.iter().map(longest_list).fold(values.len(), usize::max),
        Value::Object(fields) => fields.values().map(longest_list).max().unwrap_or(0),
        _ => 0,
    }
}

/// Entries of the longest list that is written out in a document's value.
fn longest_literal(value: &async_graphql_value::Value) -> usize {
    match value {
        async_graphql_value::Value::List(values) => values.iter().map(longest_literal).fold(values.len(), usize::max),
        async_graphql_value::Value::Object(fields) => fields.values().map(longest_literal).max().unwrap_or(0),
        _ => 0,
    }
}

/// Refuses what exceeds the limits; returns the entries of the longest list.
fn measure(document: &ExecutableDocument, limits: &Limits) -> Result<usize, ServerError> {
    let mut fragments = HashMap::new();
    let mut whole = Extent::default();
    for (_, operation) in document.operations.iter() {
        let extent = extent(document, &operation.node.selection_set.node, &mut fragments, limits.nesting)?;
        whole.depth = whole.depth.max(extent.depth);
        whole.nesting = whole.nesting.max(extent.nesting);
        whole.selections = whole.selections.saturating_add(extent.selections);
        whole.aliases = whole.aliases.saturating_add(extent.aliases);
        whole.counts = whole.counts.saturating_add(extent.counts);
        let defaults = operation.node.variable_definitions.iter().filter_map(|one| one.node.default_value.as_ref());
        whole.list = defaults.map(|value| longest_list(&value.node)).fold(whole.list.max(extent.list), usize::max);
    }
    let refuse = |code, what: &str, found: usize, most: usize| {
        if found > most {
            return Err(refused(code, format!("the document {what}: {found}; at most {most} are allowed")));
        }
        Ok(())
    };
    refuse("DOCUMENT_TOO_DEEP", "nests selections too deep, fragments spread out", whole.depth, limits.depth)?;
    refuse("DOCUMENT_TOO_DEEP", "nests fields and fragments too deep", whole.nesting, limits.nesting)?;
    refuse("TOO_MANY_FIELDS", "selects too many fields, fragments spread out", whole.selections, limits.selections)?;
    refuse("TOO_MANY_ALIASES", "has too many aliases, fragments spread out", whole.aliases, limits.aliases)?;
    refuse("TOO_MANY_COUNTS", "selects totalCount too often, fragments spread out", whole.counts, limits.counts)?;
    Ok(whole.list)
}

/// Fragments are measured once each. [`None`] marks one that is being measured: to meet it again is a cycle. `levels` bounds
/// the recursion: fragments that use each other in a chain nest without any bracket.
fn extent<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    fragments: &mut HashMap<&'a Name, Option<Extent>>,
    levels: usize,
) -> Result<Extent, ServerError> {
    let mut whole = Extent::default();
    let Some(levels) = levels.checked_sub(1) else {
        return Err(refused("DOCUMENT_TOO_DEEP", "the document nests fields and fragments too deep"));
    };
    for selection in &set.items {
        let part = match &selection.node {
            Selection::Field(field) => {
                let below = match &field.node.selection_set.node {
                    leaf if leaf.items.is_empty() => Extent::default(),
                    set => extent(document, set, fragments, levels)?,
                };
                Extent {
                    depth: below.depth + 1,
                    nesting: below.nesting,
                    selections: below.selections.saturating_add(1),
                    aliases: below.aliases.saturating_add(usize::from(field.node.alias.is_some())),
                    counts: below.counts.saturating_add(usize::from(matches!(
                        field.node.name.node.as_str(),
                        "totalCount" | "totalCountIsExact"
                    ))),
                    list: field
                        .node
                        .arguments
                        .iter()
                        .map(|(_, value)| longest_literal(&value.node))
                        .fold(below.list, usize::max),
                }
            }
            Selection::InlineFragment(inline) => extent(document, &inline.node.selection_set.node, fragments, levels)?,
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                match (fragments.entry(name), document.fragments.get(name)) {
                    // The validation rules name the fragment that does not exist.
                    (_, None) => Extent::default(),
                    (Entry::Occupied(known), _) => known
                        .get()
                        .ok_or_else(|| refused("FRAGMENT_CYCLE", format!("the fragment {name} contains itself")))?,
                    (Entry::Vacant(new), Some(fragment)) => {
                        new.insert(None);
                        let measured = extent(document, &fragment.node.selection_set.node, fragments, levels)?;
                        fragments.insert(name, Some(measured));
                        measured
                    }
                }
            }
        };
        whole.depth = whole.depth.max(part.depth);
        whole.nesting = whole.nesting.max(part.nesting);
        whole.selections = whole.selections.saturating_add(part.selections);
        whole.aliases = whole.aliases.saturating_add(part.aliases);
        whole.counts = whole.counts.saturating_add(part.counts);
        whole.list = whole.list.max(part.list);
    }
    whole.nesting += 1;
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::prelude::*;

    use super::*;

    fn refusal(text: &str) -> String {
        Documents::new(Arc::new(Limits::default())).admit(text).map(|_| ()).expect_err("refused").remove(0).message
    }

    #[test]
    fn a_usual_document_is_admitted_and_parsed_once() {
        let documents = Documents::new(Arc::new(Limits::default()));
        let first = documents.admit("{ customers(first: 5) { nodes { name } } }").expect("admitted");
        let again = documents.admit("{ customers(first: 5) { nodes { name } } }").expect("admitted");
        assert!(Arc::ptr_eq(&first, &again));
    }

    #[test]
    fn nesting_is_refused_before_parsing() {
        assert!(refusal(&"{a".repeat(20_000)).contains("deeper than 24"));
        assert!(refusal(&format!("{{ a(x: {}1) }}", "[".repeat(30_000))).contains("deeper than 24"));
    }

    #[test]
    fn a_string_that_is_never_closed_hides_no_nesting() {
        for opened in ["\"\"\" \"", "\"\"\"", "\"\"\"\"", "\"\"\"\"\"", "\"\"\" \\\"\"\"", "\"\" \"\"\""] {
            let text = format!("{{ a(x: [{opened} {}{}]) }}", "[".repeat(2_000), "]".repeat(2_000));
            assert!(refusal(&text).contains("not closed"), "{opened}: {}", refusal(&text));
            let text = format!("query($v: [String] = [{opened} {}]) {{ a }}", "{a:".repeat(2_000));
            assert!(refusal(&text).contains("not closed"), "{opened}: {}", refusal(&text));
        }
        let closed = format!("{{ a(x: [\"\"\" \"\\\"\"\" \"\"\" \"\" {}{}]) }}", "[".repeat(2_000), "]".repeat(2_000));
        assert!(refusal(&closed).contains("deeper than 24"));
        assert!(
            refusal(&format!("query($v: {}Int{}) {{ a }}", "[".repeat(9_000), "]".repeat(9_000))).contains("deeper")
        );
    }

    #[test]
    fn a_chain_of_fragments_is_refused_however_it_is_spread() {
        let mut chain: String = (0..1_500).fold(String::new(), |mut text, level| {
            write!(text, "fragment f{level} on Query{{...f{}}}", level + 1).expect("writes");
            text
        });
        chain.push_str("fragment f1500 on Query { a }");
        assert!(refusal(&format!("{{ ...f0 }} {chain}")).contains("too deep"));
        // Measured from its end, a chain is measured in short steps.
        let steps: String = (0..1_500).rev().map(|level| format!(" ...f{level}")).collect();
        assert!(refusal(&format!("{{ {steps} }} {chain}")).contains("fields and fragments too deep"));
    }

    #[test]
    fn variables_nest_no_deeper_than_documents() {
        let nested = |levels: usize| {
            let value = (0..levels).fold(Value::Null, |value, _| Value::List(vec![value]));
            Variables::from_value(Value::Object([(Name::new("v"), value)].into()))
        };
        let limits = Limits::default();
        assert!(admit_variables(&nested(limits.depth), &limits).is_ok());
        let error = admit_variables(&nested(limits.depth + 1), &limits).expect_err("too deep");
        assert!(error.message.contains("the variable v nests deeper than 24"), "{}", error.message);
    }

    proptest! {
        /// Whatever mixture of strings, escapes, comments and brackets: what the scan lets pass, the parser does not nest
        /// deeper than the limit.
        #[test]
        fn the_scan_reads_strings_as_the_parser_does(
            pieces in prop::collection::vec(prop::sample::select(PIECES), 1..12),
            depth in 1_usize..40,
        ) {
            let text = format!("{{ a(x: [{} {}{}]) }}", pieces.concat(), "[".repeat(depth), "]".repeat(depth));
            if scan(&text, &Limits::default()).is_ok() {
                let nested = parse_query(&text).map(|document| deepest(&document)).unwrap_or_default();
                prop_assert!(nested <= Limits::default().depth, "{text}");
            }
        }
    }

    const PIECES: &[&str] = &[
        "\"", "\"\"", "\"\"\"", "\\", "\\\"", "\\\"\"\"", "#", "\n", "\r", " ", ",", "1", "a", "\u{feff}", "é",
        "\\u0022",
    ];

    /// How deep the lists of the first argument nest.
    fn deepest(document: &ExecutableDocument) -> usize {
        fn levels(value: &Value) -> usize {
            match value {
                Value::List(values) => 1 + values.iter().map(levels).max().unwrap_or_default(),
                _ => 0,
            }
        }
        let fields = document.operations.iter().flat_map(|(_, operation)| &operation.node.selection_set.node.items);
        let values = fields.filter_map(|selection| match &selection.node {
            Selection::Field(field) => {
                field.node.arguments.first()?.1.node.clone().into_const().map(|value| levels(&value))
            }
            Selection::FragmentSpread(_) | Selection::InlineFragment(_) => None,
        });
        values.max().unwrap_or_default()
    }

    #[test]
    fn braces_in_strings_and_comments_do_not_count() {
        let text =
            format!("# {}\n{{ a(x: \"{}\\\"\", y: \"\"\"{}\"\"\") }}", "{".repeat(50), "(".repeat(50), "[".repeat(50));
        assert!(Documents::new(Arc::new(Limits::default())).parse(&text).is_ok());
    }

    #[test]
    fn fragments_that_multiply_are_counted_without_being_spread() {
        let mut text = String::from("{ ...f0 }");
        for level in 0..20 {
            write!(text, " fragment f{level} on Query {{ ...f{0} ...f{0} }}", level + 1).expect("writes");
        }
        text.push_str(" fragment f20 on Query { a }");
        assert!(refusal(&text).contains("selects too many fields"), "{}", refusal(&text));
    }

    #[test]
    fn a_fragment_that_contains_itself_is_refused() {
        assert!(
            refusal("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }").contains("contains itself")
        );
    }

    #[test]
    fn aliases_and_directives_are_counted() {
        let aliases: String = (0..100).map(|n| format!("a{n}: node(id: 1) {{ id }} ")).collect();
        assert!(refusal(&format!("{{ {aliases} }}")).contains("too many aliases"));
        assert!(refusal(&format!("{{ a {} }}", "@skip(if: false) ".repeat(100))).contains("more than 60 directives"));
    }

    #[test]
    fn nul_and_unclosed_strings_are_parse_errors() {
        assert!(refusal("{ a\0 }").contains("cannot be parsed"));
        assert!(refusal("{ a(x: \"").contains("cannot be parsed"));
        assert!(refusal("{ a(x: \"\n\") }").contains("cannot be parsed"));
    }
}
