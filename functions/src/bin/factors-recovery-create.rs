//! The Lambda function `factors-recovery-create`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::FACTORS_RECOVERY_CREATE)
}
