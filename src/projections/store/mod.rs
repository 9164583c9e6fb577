//! Where generations of read tables live, and who follows the log.

pub(super) mod options;
