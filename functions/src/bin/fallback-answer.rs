//! The Lambda function `fallback-answer`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::FALLBACK_ANSWER)
}
