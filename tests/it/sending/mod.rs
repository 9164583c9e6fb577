//! Through the whole: a command over GraphQL, a provider's double over HTTP, its signed callbacks, and what is told about
//! it afterwards.

mod forgetting;
mod kills;
mod story;
