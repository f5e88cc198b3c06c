//! `GET /security`

use shared::error::Result;
use shared::policy::Policy;

use crate::gateway::Answer;
use crate::registry::Call;

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    let page = page(call.ctx.policy(), &call.ctx.config.origin);
    Ok(Answer::html(page).public_for(3600))
}

/// The page. Each sentence is one that a test or a check of the deployment holds; nothing is said that is only planned.
fn page(policy: &Policy, origin: &str) -> String {
    let operator = escaped(policy.controller().name());
    let contact = escaped(policy.controller().contact_email());
    let origin = escaped(origin);
    let days = policy.backup_days();
    format!(
        r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Security at {operator}</title></head>
<body>
<h1>Security at {operator}</h1>
<h2>What protects data</h2>
<ul>
<li>Every connection is encrypted with TLS 1.2 or newer.</li>
<li>What can hold personal data is encrypted by the application with AES-256-GCM before it is stored, and once more by the store. Each customer's data has keys of its own.</li>
<li>Files are encrypted under a key that only the request for them carries.</li>
<li>Passwords are stored as salted hashes only.</li>
<li>Each function of the service may do only what it is seen to do in tests, on the tables and keys that it needs.</li>
<li>One customer's data is reached with that customer's keys only; to everybody else it looks like something that does not exist.</li>
<li>Logs hold no personal data, no content and no credentials.</li>
</ul>
<h2>What happens to data that goes</h2>
<ul>
<li>Erasing data destroys its keys first: it is unreadable from that moment on, in backups too. Backups are kept for {days} days.</li>
<li>Every erasure ends with a signed receipt in a public ledger: <a href="{origin}/v1/ledger">{origin}/v1/ledger</a>.</li>
<li>The policy that is executed is public: <a href="{origin}/v1/policy">{origin}/v1/policy</a>.</li>
</ul>
<h2>Reporting a vulnerability</h2>
<p>Please write to <a href="mailto:{contact}">{contact}</a>, and give us time to mend it before you publish it. We answer, we keep you informed, and we do not take action against research in good faith that keeps to its own accounts and data. See <a href="{origin}/.well-known/security.txt">security.txt</a>.</p>
</body>
</html>
"#
    )
}

/// Text as HTML shows it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn text_stays_text_in_html() {
        assert_eq!(escaped(r#"<a & "b">"#), "&lt;a &amp; &quot;b&quot;&gt;");
    }
}
