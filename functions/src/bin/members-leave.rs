//! The Lambda function `members-leave`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::MEMBERS_LEAVE)
}
