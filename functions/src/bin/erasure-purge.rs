//! The Lambda function `erasure-purge`.

fn main() -> std::process::ExitCode {
    functions::serve_task(&functions::registry::ERASURE_PURGE)
}
