//! A small manifest without fault, for tests to break in one place.

use super::Policy;

/// Tests count its lines: a new line goes to the end of its table only with all numbers after it.
pub(super) const SOUND: &str = r#"version = "2026-11-01"
effective = "2026-11-01"
minimum_age = { value = 18, promise = "TDO-1" }
notice_days = { value = 14, operator_choice = true }
notice_channels = ["email"]
password_scheme = { value = "argon2id", operator_choice = true }
backup_days = { value = 35, operator_choice = true }
[operator]
name = "Example"
promises = "TDO"
country = "DE"
contact_email = "hello@example.com"
privacy_email = "privacy@example.com"
time_zone = "Europe/Berlin"
[authority]
name = "Authority"
url = "https://authority.example/"
[[purpose]]
id = "service"
description = "To run it."
lawful_bases = ["contract"]
[[purpose]]
id = "news"
description = "To write."
lawful_bases = ["consent"]
withdrawal = "In settings."
[[category]]
id = "account"
title = "Account"
description = "Name."
subjects = ["users"]
role = "controller"
classes = ["account", "content", "support", "usage", "integration", "ai"]
purposes = ["service", "news"]
lawful_bases = ["contract", "consent"]
on_account_deletion = "erase"
on_organisation_deletion = "erase"
on_cancellation = "keep"
[category.retention]
anchor = "cancellation"
not_before = { value = "P1M", operator_choice = true }
not_after = { value = "P18M", promise = "TDO-8" }
reason = "So."
[[category]]
id = "billing"
title = "Billing"
description = "Invoices."
subjects = ["users"]
role = "controller"
classes = ["billing"]
purposes = ["service"]
lawful_bases = ["contract"]
on_account_deletion = "restrict"
on_organisation_deletion = "restrict"
on_cancellation = "keep"
statutory_reason = "The law."
[category.retention]
anchor = "term_end"
not_before = { value = "P6Y", operator_choice = true }
reason = "The law."
[[category.item_floor]]
id = "voucher"
anchor = "collected"
not_before = { value = "P8Y", operator_choice = true }
reason = "The law."
[[processor]]
id = "hosting"
category = "Hosting"
provider = "Host"
location = "DE"
purpose = "service"
categories = ["account", "billing"]
safeguard = "no_transfer"
agreement = "DPA"
[[cookie]]
name = "session"
category = "essential"
purpose = "Signs in."
lifetime = "session"
"#;

/// What is said about the sound manifest after each edit `(line, from, to)`.
#[track_caller]
pub(super) fn broken(edits: &[(usize, &str, &str)]) -> String {
    let mut lines: Vec<String> = SOUND.lines().map(str::to_owned).collect();
    for (line, from, to) in edits {
        let place = &mut lines[line - 1];
        assert!(place.contains(from), "line {line} is `{place}`");
        *place = place.replace(from, to);
    }
    Policy::parse("infra/policies/x.toml", &lines.join("\n"))
        .unwrap_err()
        .to_string()
}

/// One edit, and the one error that it must cause.
#[track_caller]
pub(super) fn breaks(line: usize, from: &str, to: &str, expected: &str) {
    assert_eq!(
        broken(&[(line, from, to)]),
        format!("infra/policies/x.toml:{expected}")
    );
}
