//! Arguments → command line, panes or supervisor; result → exit code. Nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(relman::cli::main())
}
