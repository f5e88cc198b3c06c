//! `GET /.well-known/security.txt`

use jiff::SignedDuration;
use shared::ctx::Ctx;
use shared::error::Result;

use crate::gateway::Answer;
use crate::registry::Call;

/// For how long what the file says may be relied on. RFC 9116 wants less than a year; the file is made anew with each
/// request, so a month is enough for whoever keeps a copy.
const VALID: SignedDuration = SignedDuration::from_hours(30 * 24);

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    Ok(Answer::text(text(&call.ctx)).public_for(3600))
}

/// The file (RFC 9116).
fn text(ctx: &Ctx) -> String {
    let origin = &ctx.config.origin;
    let contact = ctx.policy().controller().contact_email();
    let expires = ctx.now().saturating_add(VALID).unwrap_or(jiff::Timestamp::MAX);
    let expires = expires.strftime("%Y-%m-%dT%H:%M:%SZ");
    format!(
        "Contact: mailto:{contact}\nExpires: {expires}\nPreferred-Languages: en\n\
         Canonical: {origin}/.well-known/security.txt\nPolicy: {origin}/security\n"
    )
}
