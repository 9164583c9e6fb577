use std::process::ExitCode;

fn main() -> ExitCode {
    commlog::cli::main(std::env::args_os())
}
