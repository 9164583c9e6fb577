//! `commlog schema`

use crate::cli::failure::Outcome;
use crate::cli::print;

/// Runs `commlog schema`: prints the GraphQL schema. Needs no store.
pub fn run() -> Outcome {
    print::line(crate::graphql::sdl().trim_end())
}
