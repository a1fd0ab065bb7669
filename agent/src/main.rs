//! The agent on every host: reports facts, performs ops.

use std::process::ExitCode;

fn main() -> ExitCode {
    backstay_agent::main()
}
