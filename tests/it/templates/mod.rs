//! Templates as files: what is written is read again, and the starter set as customers get it.

mod round_trip;
mod starter;
