//! Provider accounts of a node: how each is used, which of them takes a message, what administrators say of them, and
//! what is counted of them.

pub mod account;
mod adding;
pub mod circuit;
pub mod measuring;
pub mod metrics;
pub mod registry;
pub mod service;
pub mod table;
pub mod validation;

pub use account::{Account, AccountSource, COOLDOWN, Cooldown, Pace, Terms};
pub use registry::AccountRegistry;
pub use service::AccountService;
pub use table::{Accounts, WebhookPath, choose, reaching};
pub use validation::ValidationService;
