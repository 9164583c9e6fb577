//! Templates as text: reads what authors write, and renders it for a customer. Pure, as the domain is; what it needs of kept
//! libraries (Liquid, MJML, CSS, sanitising) is here and nowhere else.
//!
//! A text goes through these, once: `scan` finds its outputs and tags with their places; `weave` puts marks in their stead, so
//! that `layout` can make a page of MJML or HTML without seeing Liquid; `program` puts them back and compiles. Then, for each
//! customer, `values` are filled in. So MJML is read once and Liquid is rendered a million times, and a mistake is reported at
//! the line and column that its author wrote, not at one of the page.
//!
//! A template cannot run without end, read anything, or become larger than a mail: see `steps` and `language`. Values are text
//! in a page, never markup.

mod compile;
mod fault;
mod filters;
mod language;
mod layout;
pub mod lint;
mod markup;
mod plain;
mod program;
mod scan;
mod steps;
pub mod track;
mod values;
mod weave;

pub use compile::{Compiled, Included, Includes, MAX_INCLUDES, Rendered, compile, includes_of};
pub use fault::{Fault, FaultKind, Place};
pub use values::{Business, Line, MAX_LINES, MAX_ORDERS, Order, Values};

#[cfg(test)]
mod tests;
