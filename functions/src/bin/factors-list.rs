//! The Lambda function `factors-list`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::FACTORS_LIST)
}
