//! The Lambda function `erasures-get`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ERASURES_GET)
}
