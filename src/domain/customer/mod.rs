//! A customer: profile, addresses, notes, and being forgotten. Its stream also holds the customer's activities,
//! messages, consents and conversations, so that one stream tells the whole story of a person.

pub mod address;
pub mod decide;
pub mod event;
pub mod merge;
pub mod profile;
pub mod state;
pub mod token;

#[cfg(test)]
mod tests;
