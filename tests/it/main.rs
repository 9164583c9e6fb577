//! Every integration test, in one program. One folder or file per area.

mod log_contract;
