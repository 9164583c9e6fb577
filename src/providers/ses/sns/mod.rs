//! Messages of Amazon SNS: what they look like, and what proves them.

pub(super) mod certificate;
pub(super) mod envelope;

pub(super) use certificate::Certificates;
pub(super) use envelope::{Envelope, Kind};

#[cfg(test)]
pub(super) mod tests;
