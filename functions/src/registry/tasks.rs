//! The scheduled tasks, and those that the operator runs.

use super::*;

tasks! {
    RETENTION_PLAN = Task {
        name: "retention-plan", summary: "Erases every unit that is due.", schedule: Some("rate(15 minutes)"),
        handler: task!(retention::plan),
    };
    ERASURE_PURGE = Task {
        name: "erasure-purge", summary: "Deletes what is left of erased units, verifies and signs the receipts.",
        schedule: Some("rate(1 minute)"), handler: task!(erasure::purge),
    };
    LEDGER_SEAL = Task {
        name: "ledger-seal", summary: "Gives ledger entries their index and publishes a signed checkpoint.",
        schedule: Some("rate(1 minute)"), handler: task!(ledger::seal),
    };
    LEDGER_VERIFY = Task {
        name: "ledger-verify", summary: "Reads the published ledger again and holds it against its signed checkpoint.",
        schedule: Some("rate(1 day)"), handler: task!(ledger::verify),
    };
    MAIL_RETRY = Task {
        name: "mail-retry", summary: "Sends mails that could not be sent when they were written.",
        schedule: Some("rate(5 minutes)"), handler: task!(mail::retry),
    };
    KEYS_WARN = Task {
        name: "keys-warn", summary: "Announces the end of API keys to whoever created them.",
        schedule: Some("rate(1 day)"), handler: task!(keys::warn),
    };
    INVITATIONS_EXPIRE = Task {
        name: "invitations-expire", summary: "Deletes invitations that nobody accepted, with the addresses in them.",
        schedule: Some("rate(1 day)"), handler: task!(invitations::expire),
    };
    HOLDS_PLACE = Task {
        name: "holds-place", summary: "Places a legal hold on a unit; the operator runs it.", schedule: None,
        handler: task!(holds::place),
    };
    HOLDS_RELEASE = Task {
        name: "holds-release", summary: "Releases a legal hold; the operator runs it.", schedule: None,
        handler: task!(holds::release),
    };
    STAFF_INVITE = Task {
        name: "staff-invite", summary: "Makes somebody one of the operator's staff; the operator runs it.",
        schedule: None, handler: task!(staff::invite),
    };
    STAFF_REMOVE = Task {
        name: "staff-remove", summary: "Removes somebody from the operator's staff; the operator runs it.",
        schedule: None, handler: task!(staff::remove),
    };
}
