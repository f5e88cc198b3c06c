//! Different inputs never give one key.

use std::collections::HashMap;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::ids::*;
use crate::policy::Class;
use crate::records::model::{Kind, RecordId};
use crate::retention::HourBucket;
use crate::unit::UnitId;

/// Every key of every kind for a few ids, with what went into it.
fn all(ids: &[u128], hour: HourBucket) -> Vec<(String, Key)> {
    let mut keys = Vec::new();
    for &a in ids {
        let (user_id, org) = (UserId::from_bits(a), OrgId::from_bits(a));
        let tenant = Tenant::new(org);
        let mut add = |what: String, key: Key| keys.push((what, key));
        add(format!("user {a}"), user(user_id));
        add(format!("password {a}"), password(user_id));
        add(format!("code {a}"), verification_code(user_id));
        add(format!("organisation {a}"), organisation(tenant));
        add(format!("billing {a}"), billing(tenant));
        add(format!("job {a}"), job(ErasureId::from_bits(a)));
        add(format!("open job {a}"), open_job(ErasureId::from_bits(a)));
        add(
            format!("pending {a}"),
            ledger_pending(LedgerEntryId::from_bits(a)),
        );
        add(format!("digest {a}"), email_guard(&format!("{a:032x}")));
        add(format!("service count {a}"), service_count(tenant));
        add(format!("key due {a}"), key_due(ApiKeyId::from_bits(a), hour));
        let expiry = invitation_due(InvitationId::from_bits(a), hour);
        add(format!("invitation due {a}"), expiry);
        add(format!("softlock {a}"), softlock(&format!("{a:032x}")));
        add(
            format!("identity guard {a}"),
            identity_guard(&format!("{a:032x}")),
        );
        add(format!("flow {a}"), sso_flow(&format!("{a:032x}")));
        add(format!("domain guard {a}"), domain_guard(&format!("{a:032x}")));
        for name in ["mail", "mail-address"] {
            add(
                format!("{name} {a}"),
                limit(name, &format!("{a:032x}"), hour.start()),
            );
        }
        let mut units: Vec<_> = Class::ALL
            .into_iter()
            .map(|class| UnitId::Organisation(org, class))
            .collect();
        units.push(UnitId::User(user_id));
        for id in units {
            add(format!("unit {id}"), unit(id));
            add(format!("key {id}"), data_key(id));
            add(format!("due {id}"), due(id.class(), id, hour));
        }
        for &b in ids {
            let mut add = |what: &str, key: Key| keys.push((format!("{what} {a} {b}"), key));
            add("membership", membership(tenant, UserId::from_bits(b)));
            add("session", session(user_id, SessionId::from_bits(b)));
            let (person, account) = (UnitId::User(user_id), UnitId::Organisation(org, Class::Account));
            add("mail", mail(person, MailId::from_bits(b)));
            add("outbox", outbox(person, MailId::from_bits(b)));
            add("mail of an organisation", mail(account, MailId::from_bits(b)));
            add("outbox of an organisation", outbox(account, MailId::from_bits(b)));
            add("invitation", invitation(tenant, InvitationId::from_bits(b)));
            add("invited", invitation_guard(tenant, &format!("{b:064x}")));
            add("identity", identity(user_id, IdentityId::from_bits(b)));
            add("connection", connection(tenant, ConnectionId::from_bits(b)));
            add("domain", domain(tenant, DomainId::from_bits(b)));
            add("belonging", belonging(user_id, OrgId::from_bits(b)));
            add("import", import(tenant, ImportId::from_bits(b)));
            add(
                "service account",
                service_account(tenant, ServiceAccountId::from_bits(b)),
            );
            add("API key", api_key(tenant, ApiKeyId::from_bits(b)));
            add("key use", api_key_use(tenant, ApiKeyId::from_bits(b)));
            add(
                "activity",
                organisation_activity(tenant, ActivityId::from_bits(b)),
            );
            add(
                "own activity",
                account_activity(user_id, ActivityId::from_bits(b)),
            );
            add("idempotency", idempotency(tenant, &format!("{b:064x}")));
            add("hold", hold(UnitId::User(user_id), HoldId::from_bits(b)));
            for kind in Kind::ALL {
                let mut random = [0; 10];
                random.copy_from_slice(&b.to_be_bytes()[6..]);
                let id = RecordId::new(kind, hour.start(), random);
                let mut add = |what: &str, key: Key| keys.push((format!("{what} {a} {id}"), key));
                add("record", record(tenant, id));
                add("event", event(tenant, id, EventId::from_bits(a)));
                add("attachment", attachment(tenant, id, AttachmentId::from_bits(a)));
                add("unique", unique(tenant, kind, "serial", &format!("{b:064x}")));
            }
        }
    }
    keys
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn two_different_inputs_never_give_one_key(ids in prop::collection::vec(any::<u128>(), 1..4), hours in 0_i64..500_000) {
        let hour = HourBucket::of(Timestamp::from_second(hours * 3_600).unwrap());
        let mut seen: HashMap<Key, String> = HashMap::new();
        for (what, key) in all(&ids, hour) {
            if let Some(other) = seen.insert(key.clone(), what.clone()) {
                prop_assert_eq!(other, what, "{:?}", key);
            }
        }
    }

    #[test]
    fn ids_sort_by_time_as_text(first in 0_i64..4_000_000_000_000, second in 0_i64..4_000_000_000_000) {
        let id = |millis| EventId::from_bits(uuid_v7(Timestamp::from_millisecond(millis).unwrap(), [0; 10]));
        prop_assert_eq!(first.cmp(&second), id(first).to_string().cmp(&id(second).to_string()));
    }
}
