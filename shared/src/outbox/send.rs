//! Sending: SES has no idempotency token, so a mail whose fate is unknown is not sent again by itself.

use aws_sdk_sesv2::error::SdkError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use jiff::{SignedDuration, Timestamp};

use super::model::{MailFacts, MailHead, MailPayload, MailState};
use super::templates::Template;
use crate::ctx::Ctx;
use crate::email::Email;
use crate::entropy::Entropy;
use crate::erasure::units;
use crate::error::Result;
use crate::ids::MailId;
use crate::keys::{self, SHARDS};
use crate::seal::DataKey;
use crate::store::{Commit, Condition, Item, Query, Transaction};
use crate::task::Deadline;
use crate::unit::UnitId;

/// How long an attempt may take before its fate counts as unknown.
const ATTEMPT: SignedDuration = SignedDuration::from_secs(60);

/// After how many attempts a mail is given up.
const MAX_ATTEMPTS: u32 = 12;

/// How long a head whose fate is unknown is kept for the operator to see.
const KEPT_UNKNOWN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A mail that is about to be written.
#[derive(Debug)]
pub struct Outgoing {
    /// The unit with which it is sealed.
    pub unit: UnitId,
    /// Its id.
    pub mail: MailId,
}

/// Adds a mail to the transaction that causes it. It is sealed with the account of the person it goes to, or, where that
/// person may have none, with the account of the organisation that writes.
///
/// # Errors
/// Only when an item does not encode.
pub fn queue(
    transaction: &mut Transaction,
    (owner, key): (impl Into<UnitId>, &DataKey),
    to: Email,
    template: Template,
    (now, id, entropy): (Timestamp, [u8; 10], &dyn Entropy),
) -> Result<Outgoing> {
    let (unit, mail) = (owner.into(), MailId::new(now, id));
    let head = MailHead {
        unit,
        mail,
        state: MailState::Pending,
        next_attempt_at: now.as_millisecond(),
        attempts: 0,
        created_at: now,
    };
    let content = Item::sealed(keys::mail(unit, mail), MailFacts {}, MailPayload { to, template });
    transaction.create_sealed("mail", &content, key, entropy)?;
    transaction.create("mail", &Item::plain(keys::outbox(unit, mail), head))?;
    Ok(Outgoing { unit, mail })
}

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// SES took it.
    Accepted,
    /// It will be tried again later.
    Later,
    /// Its fate is unknown.
    Unknown,
    /// It is not to be sent any more: its unit is gone, or another worker has it.
    Dropped,
}

/// Sends a mail that was just written. A failure is left to the schedule: the caller's answer does not depend on it.
pub async fn send_now(ctx: &Ctx, outgoing: &Outgoing) {
    if let Err(error) = deliver(ctx, outgoing.unit, outgoing.mail).await {
        tracing::warn!(%error, mail = %outgoing.mail, "a mail was left to the schedule");
    }
}

/// Commits a transaction with the mail that it may have, and sends that.
///
/// # Errors
/// As [`Store::commit`](crate::store::Store::commit); then nothing is sent.
pub async fn commit(
    ctx: &Ctx,
    transaction: Transaction,
    outgoing: Option<Outgoing>,
) -> std::result::Result<(), Commit> {
    ctx.store.commit(transaction, ctx.entropy.as_ref()).await?;
    if let Some(outgoing) = outgoing {
        send_now(ctx, &outgoing).await;
    }
    Ok(())
}

/// Sends mails that were just written, as [`send_now`] does.
pub async fn send_all(ctx: &Ctx, mails: &[Outgoing]) {
    for outgoing in mails {
        send_now(ctx, outgoing).await;
    }
}

/// Tries to send one mail, if it is its time.
///
/// # Errors
/// When the store does not answer.
pub async fn deliver(ctx: &Ctx, unit: UnitId, mail: MailId) -> Result<Sent> {
    let (head_key, mail_key, key_key) = (
        keys::outbox(unit, mail),
        keys::mail(unit, mail),
        keys::data_key(unit),
    );
    let wanted = [head_key.clone(), mail_key.clone(), key_key.clone()];
    let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;
    let Some(head) = found.get(&head_key) else {
        return Ok(Sent::Dropped);
    };
    let mut head = head.decode::<MailHead>()?;
    let key = units::usable_key(found.get(&key_key), unit, ctx.root().await?)?;
    let (Some(key), Some(content)) = (key, found.get(&mail_key)) else {
        // The unit is gone: nothing is sent to somebody who was deleted (M-13).
        ctx.store
            .delete_all(&[head_key, mail_key], ctx.entropy.as_ref())
            .await?;
        return Ok(Sent::Dropped);
    };
    let now = ctx.now();
    if head.facts.next_attempt_at > now.as_millisecond() {
        return Ok(Sent::Later);
    }
    if head.facts.state != MailState::Pending {
        return note_unknown(ctx, head, now).await;
    }
    let payload = content.open::<MailPayload>(&key)?.payload;
    head.facts.state = MailState::Sending;
    head.facts.attempts += 1;
    head.facts.next_attempt_at = after(now, ATTEMPT);
    if !save(ctx, &mut head).await? {
        return Ok(Sent::Dropped);
    }
    match send(ctx, &payload).await {
        Outcome::Accepted => {
            ctx.store
                .delete_all(&[head_key, mail_key], ctx.entropy.as_ref())
                .await?;
            Ok(Sent::Accepted)
        }
        Outcome::Refused if head.facts.attempts < MAX_ATTEMPTS => {
            head.facts.state = MailState::Pending;
            head.facts.next_attempt_at = after(now, backoff(head.facts.attempts));
            save(ctx, &mut head).await?;
            Ok(Sent::Later)
        }
        Outcome::Refused => {
            tracing::error!(%mail, attempts = head.facts.attempts, "a mail was given up");
            ctx.store
                .delete_all(&[head_key, mail_key], ctx.entropy.as_ref())
                .await?;
            Ok(Sent::Dropped)
        }
        Outcome::Unknown => note_unknown(ctx, head, now).await,
    }
}

async fn note_unknown(ctx: &Ctx, mut head: Item<MailHead>, now: Timestamp) -> Result<Sent> {
    if head.facts.state == MailState::Unknown {
        // The week is over; nobody can do anything with it any more.
        let mail_key = keys::mail(head.facts.unit, head.facts.mail);
        ctx.store
            .delete_all(&[head.key, mail_key], ctx.entropy.as_ref())
            .await?;
        return Ok(Sent::Dropped);
    }
    tracing::error!(mail = %head.facts.mail, "whether SES took a mail is unknown");
    head.facts.state = MailState::Unknown;
    head.facts.next_attempt_at = after(now, KEPT_UNKNOWN);
    save(ctx, &mut head).await?;
    Ok(Sent::Unknown)
}

/// Writes the head if nobody else did since it was read.
async fn save(ctx: &Ctx, head: &mut Item<MailHead>) -> Result<bool> {
    let before = head.version;
    head.version += 1;
    let mut transaction = Transaction::new();
    transaction.put_if("head", head, &Condition::version(before))?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(true),
        Err(Commit::Rejected(_)) => Ok(false),
        Err(Commit::Failed(error)) => Err(error),
    }
}

fn after(now: Timestamp, wait: SignedDuration) -> i64 {
    now.saturating_add(wait).unwrap_or(now).as_millisecond()
}

/// One minute, doubled with each attempt, at most six hours.
fn backoff(attempts: u32) -> SignedDuration {
    SignedDuration::from_mins((1_i64 << attempts.min(9)).min(360))
}

enum Outcome {
    Accepted,
    Refused,
    Unknown,
}

async fn send(ctx: &Ctx, payload: &MailPayload) -> Outcome {
    let text = payload
        .template
        .render(&ctx.config.origin, ctx.policy().controller().name());
    let content = |data: String| Content::builder().data(data).charset("UTF-8").build();
    let (Ok(subject), Ok(body)) = (content(text.subject), content(text.body)) else {
        return Outcome::Refused;
    };
    let message = Message::builder()
        .subject(subject)
        .body(Body::builder().text(body).build())
        .build();
    let sent = ctx
        .ses()
        .send_email()
        .from_email_address(&ctx.config.mail_from)
        .set_configuration_set_name(ctx.config.mail_configuration_set.clone())
        .destination(Destination::builder().to_addresses(payload.to.as_str()).build())
        .content(EmailContent::builder().simple(message).build())
        .send()
        .await;
    match sent {
        Ok(_) => Outcome::Accepted,
        // SES answered, or was never reached: the mail was not taken.
        Err(SdkError::ServiceError(_) | SdkError::ConstructionFailure(_)) => Outcome::Refused,
        Err(SdkError::DispatchFailure(failure)) if failure.is_user() => Outcome::Refused,
        Err(_) => Outcome::Unknown,
    }
}

/// What a run of the schedule did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct MailReport {
    /// Mails that SES took.
    pub accepted: u64,
    /// Mails that are tried again later.
    pub later: u64,
    /// Mails whose fate is unknown; they are kept for a week, for the operator to see.
    pub unknown: u64,
    /// Mails that are not to be sent any more.
    pub dropped: u64,
    /// How long ago the oldest mail was written that is still to be sent.
    pub oldest_mail_seconds: i64,
}

/// Tries every mail whose time has come.
///
/// # Errors
/// When the store does not answer; the next run goes on.
pub async fn run(ctx: &Ctx, deadline: &Deadline) -> Result<MailReport> {
    let mut report = MailReport::default();
    for shard in 0..SHARDS {
        let mut query = Query::new(keys::outbox_partition(shard), 100);
        loop {
            let page = ctx.store.query(&query).await?;
            for raw in &page.items {
                if deadline.has_passed() {
                    return Ok(report);
                }
                let head = raw.decode::<MailHead>()?.facts;
                match deliver(ctx, head.unit, head.mail).await? {
                    Sent::Accepted => report.accepted += 1,
                    Sent::Later if head.state == MailState::Unknown => report.unknown += 1,
                    Sent::Later => {
                        report.later += 1;
                        let age = ctx.now().duration_since(head.created_at).as_secs();
                        report.oldest_mail_seconds = report.oldest_mail_seconds.max(age);
                    }
                    Sent::Unknown => report.unknown += 1,
                    Sent::Dropped => report.dropped += 1,
                }
            }
            if page.next.is_none() {
                break;
            }
            query = query.after(page.next);
        }
    }
    Ok(report)
}
