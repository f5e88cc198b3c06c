//! Attachments in the tables and in the bucket.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::model::{AttachmentPayload, State};
use super::rules::{self, MAX_PER_RECORD};
use crate::auth::Member;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::files::{Expected, SignedRequest};
use crate::ids::AttachmentId;
use crate::keys::{self, Key, Tenant};
use crate::policy::Class;
use crate::records::model::{Action, EventPayload, FieldChange, RecordId};
use crate::records::store::{self as records, Record, Replay};
use crate::store::{Commit, Condition, Item, Query, Transaction};

/// An attachment as it is stored.
pub type Attachment = Item<AttachmentPayload>;

/// The key of an attachment, for the round trip that authenticates.
pub fn key(tenant: Tenant, record: RecordId, attachment: AttachmentId) -> Key {
    keys::attachment(tenant, record, attachment)
}

/// An attachment that an authenticated request asked for, of a record that is there.
///
/// # Errors
/// [`Error::NotFound`].
pub fn read(member: &Member, record: RecordId, attachment: AttachmentId) -> Result<Attachment> {
    records::read(member, record)?;
    member
        .item(&key(member.permit.tenant(), record, attachment))?
        .open::<AttachmentPayload>(member.key(Class::Content)?)
}

/// The attachments of a record. There are at most [`MAX_PER_RECORD`].
///
/// # Errors
/// When the store does not answer.
pub async fn list(ctx: &Ctx, member: &Member, record: RecordId) -> Result<Vec<Attachment>> {
    let data_key = member.key(Class::Content)?;
    let found = ctx
        .store
        .query_all(keys::attachments_of(member.permit.tenant(), record))
        .await?;
    found
        .iter()
        .map(|raw| raw.open::<AttachmentPayload>(data_key))
        .collect()
}

/// The object that holds a file's bytes, and the key under which S3 encrypts it.
fn object(member: &Member, attachment: AttachmentId) -> Result<(String, [u8; 32])> {
    let object = keys::object(member.permit.tenant(), Class::Content, attachment);
    let key = member.key(Class::Content)?.object_key(&object);
    Ok((object, key))
}

/// Creates an attachment: a link at once, a file as pending.
///
/// # Errors
/// [`Error::Conflict`] when the record has as many as it may have.
pub async fn create(
    ctx: &Ctx,
    member: &Member,
    record: RecordId,
    attachment: &Attachment,
    replay: Option<Replay<'_>>,
) -> Result<records::Creation> {
    if list(ctx, member, record).await?.len() >= MAX_PER_RECORD {
        return Err(Error::conflict(
            "",
            format!("A record has at most {MAX_PER_RECORD} attachments."),
        ));
    }
    let data_key = member.key(Class::Content)?;
    let mut transaction = Transaction::new();
    transaction.create_sealed("attachment", attachment, data_key, ctx.entropy.as_ref())?;
    transaction.check(
        "record",
        &records::key(member.permit.tenant(), record),
        &Condition::present().and(Condition::missing("deleted_at")),
    );
    if attachment.facts.state == State::Complete {
        let before = records::read(member, record)?;
        add_event(
            ctx,
            &mut transaction,
            member,
            record,
            &before,
            Action::AttachmentAdded,
            &attachment.payload,
        )?;
    }
    if let Some(replay) = &replay {
        records::add_answer(ctx, &mut transaction, replay, data_key)?;
    }
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(records::Creation::Created),
        Err(Commit::Failed(error)) => Err(error),
        Err(Commit::Rejected(rejections)) => {
            match records::answered_meanwhile(ctx, replay.as_ref(), &rejections, data_key)? {
                Some(answer) => Ok(records::Creation::Answered(answer)),
                None => Err(Error::NotFound),
            }
        }
    }
}

fn add_event(
    ctx: &Ctx,
    transaction: &mut Transaction,
    member: &Member,
    record: RecordId,
    before: &Record,
    action: Action,
    payload: &AttachmentPayload,
) -> Result<()> {
    let (AttachmentPayload::File { name, .. } | AttachmentPayload::Link { name, .. }) = payload;
    let name = Some(serde_json::Value::from(name.as_str()));
    let change = match action {
        Action::AttachmentRemoved => FieldChange {
            field: "attachment".into(),
            from: name,
            to: None,
        },
        _ => FieldChange {
            field: "attachment".into(),
            from: None,
            to: name,
        },
    };
    let payload = EventPayload {
        changes: vec![change],
    };
    records::add_event(ctx, transaction, member, record, action, before.version, payload)
}

/// The request with which the customer uploads a pending file.
///
/// # Errors
/// Only when signing fails.
pub async fn sign_upload(
    ctx: &Ctx,
    member: &Member,
    attachment: AttachmentId,
    payload: &AttachmentPayload,
) -> Result<Option<SignedRequest>> {
    let AttachmentPayload::File {
        content_type,
        size,
        sha256,
        ..
    } = payload
    else {
        return Ok(None);
    };
    let (object, key) = object(member, attachment)?;
    let sha256 = checksum(sha256)?;
    let expected = Expected {
        size: *size,
        content_type,
        sha256: &sha256,
    };
    Ok(Some(ctx.files().sign_upload(&object, &key, expected).await?))
}

/// The request with which the customer downloads a file.
///
/// # Errors
/// Only when signing fails.
pub async fn sign_download(
    ctx: &Ctx,
    member: &Member,
    attachment: AttachmentId,
    payload: &AttachmentPayload,
) -> Result<Option<SignedRequest>> {
    let AttachmentPayload::File { name, .. } = payload else {
        return Ok(None);
    };
    let (object, key) = object(member, attachment)?;
    Ok(Some(ctx.files().sign_download(&object, &key, name).await?))
}

/// The checksum in S3's notation.
fn checksum(hex_digest: &str) -> Result<String> {
    let bytes = hex::decode(hex_digest).map_err(|_| Error::internal("a stored checksum is not hex"))?;
    Ok(STANDARD.encode(bytes))
}

/// Completes an upload after looking at what arrived. Completing twice is completing once.
///
/// # Errors
/// [`Error::Conflict`] when nothing arrived; [`Error::Invalid`] when it is not what was announced: it is deleted then.
pub async fn complete(
    ctx: &Ctx,
    member: &Member,
    record: RecordId,
    attachment: AttachmentId,
    mut item: Attachment,
) -> Result<Attachment> {
    let AttachmentPayload::File {
        content_type,
        size,
        sha256,
        ..
    } = &item.payload
    else {
        return Err(Error::conflict("", "A link needs no completion."));
    };
    if item.facts.state == State::Complete {
        return Ok(item);
    }
    let (object, key) = object(member, attachment)?;
    let Some((arrived, start)) = ctx.files().arrived(&object, &key).await? else {
        return Err(Error::conflict(
            "",
            "Nothing has arrived yet: send the file with the upload request first.",
        ));
    };
    let as_announced = arrived.size == *size
        && arrived.content_type.as_deref() == Some(content_type)
        && arrived.sha256.as_deref() == Some(checksum(sha256)?.as_str());
    if !as_announced || !rules::looks_like(content_type, &start) {
        remove(ctx, member.permit.tenant(), record, attachment).await?;
        return Err(Error::invalid(
            "",
            format!("What arrived is not a {content_type} as announced; it was deleted."),
        ));
    }
    let before = records::read(member, record)?;
    item.version += 1;
    item.facts.state = State::Complete;
    item.facts.completed_at = Some(ctx.now());
    let mut transaction = Transaction::new();
    transaction.replace_sealed(
        "attachment",
        &item,
        member.key(Class::Content)?,
        ctx.entropy.as_ref(),
    )?;
    add_event(
        ctx,
        &mut transaction,
        member,
        record,
        &before,
        Action::AttachmentAdded,
        &item.payload,
    )?;
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => Ok(item),
        Err(Commit::Failed(error)) => Err(error),
        Err(Commit::Rejected(_)) => Err(Error::conflict(
            "",
            "The attachment changed at the same time; look again.",
        )),
    }
}

/// Deletes an attachment: its bytes in every version first, then its row with an event. A deletion that was cut off
/// goes on when it is repeated.
///
/// # Errors
/// When the bucket or the store does not answer.
pub async fn delete(
    ctx: &Ctx,
    member: &Member,
    record: RecordId,
    attachment: AttachmentId,
    item: &Attachment,
) -> Result<()> {
    let before = records::read(member, record)?;
    delete_bytes(ctx, member.permit.tenant(), attachment).await?;
    let mut transaction = Transaction::new();
    transaction.delete_if("attachment", &item.key, &Condition::present());
    if item.facts.state == State::Complete {
        add_event(
            ctx,
            &mut transaction,
            member,
            record,
            &before,
            Action::AttachmentRemoved,
            &item.payload,
        )?;
    }
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) | Err(Commit::Rejected(_)) => Ok(()),
        Err(Commit::Failed(error)) => Err(error),
    }
}

async fn delete_bytes(ctx: &Ctx, tenant: Tenant, attachment: AttachmentId) -> Result<()> {
    let object = keys::object(tenant, Class::Content, attachment);
    loop {
        let versions = ctx.files().versions(&object).await?;
        if versions.is_empty() {
            return Ok(());
        }
        ctx.files().delete_versions(&versions).await?;
    }
}

async fn remove(ctx: &Ctx, tenant: Tenant, record: RecordId, attachment: AttachmentId) -> Result<()> {
    delete_bytes(ctx, tenant, attachment).await?;
    ctx.store
        .delete_all(&[key(tenant, record, attachment)], ctx.entropy.as_ref())
        .await
}

/// Deletes every attachment of a record, bytes first.
///
/// # Errors
/// When the bucket or the store does not answer.
pub async fn delete_all_of(ctx: &Ctx, tenant: Tenant, record: RecordId) -> Result<()> {
    loop {
        let page = ctx
            .store
            .query(&Query::new(keys::attachments_of(tenant, record), 50))
            .await?;
        for raw in &page.items {
            let id = raw
                .key
                .sort()
                .rsplit_once('#')
                .and_then(|(_, id)| id.parse().ok());
            let attachment: AttachmentId =
                id.ok_or_else(|| Error::internal("an attachment without an id"))?;
            remove(ctx, tenant, record, attachment).await?;
        }
        if page.next.is_none() {
            return Ok(());
        }
    }
}
