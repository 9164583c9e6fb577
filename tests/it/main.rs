//! The integration suite: one binary, one module per area.

mod architecture;
//! Every integration test, in one program. One folder or file per area.

mod log_contract;
