//! The others in the main customer's organisation: members, invitations, roles, service accounts.

use local::Stack;
use serde_json::{Value, json};

use crate::Result;
use crate::api::{Client, text};
use crate::customer::{self, Customer};

/// For how long a new key is good: long enough that nobody is warned of its end.
const KEY_DAYS: i64 = 300;

/// The others, each for what can be done to them once.
pub(crate) struct Team {
    /// A member to look at and to change.
    pub(crate) changing: String,
    /// A member who can be removed.
    pub(crate) removable: String,
    /// A member whose session can be ended by others.
    pub(crate) visited: String,
    /// Who can leave.
    pub(crate) leaving: Customer,
    /// Who can end all other sessions of theirs.
    pub(crate) scattered: Customer,
    /// Who changes the password.
    pub(crate) careful: Customer,
    /// Who has asked for another address.
    pub(crate) staying: Customer,
    /// The code of a change of address.
    pub(crate) email_code: String,
    /// The code of somebody who forgot the password.
    pub(crate) reset_code: String,
    /// A session of the main customer that can end, and its id.
    pub(crate) spare_session: String,
    /// A session of the main customer with which to step up.
    pub(crate) stepping: Customer,
    /// Who owns another organisation.
    pub(crate) other_owner: Customer,
    /// Who is in both organisations.
    pub(crate) between: Customer,
    /// The account of who is in both.
    pub(crate) between_id: String,
    /// The other organisation.
    pub(crate) other: String,
    /// The code of the main customer's invitation to the other organisation.
    pub(crate) join_code: String,
    /// The address of an invitation that does not exist yet.
    pub(crate) newcomer: String,
    /// An invitation to send again.
    pub(crate) invitation: String,
    /// An invitation to take back.
    pub(crate) spare_invitation: String,
    /// The acceptance of an invitation.
    pub(crate) acceptance: Value,
    /// A role that can change.
    pub(crate) role: String,
    /// A role that can go.
    pub(crate) spare_role: String,
    /// A service account.
    pub(crate) service: String,
    /// A service account that can go.
    pub(crate) spare_service: String,
    /// A key of the service account that can be revoked.
    pub(crate) key: String,
    /// The wish for another key.
    pub(crate) new_key: Value,
}

impl Team {
    /// Gathers them around `ada`.
    pub(super) async fn gather(stack: &Stack, ada: &Customer, word: &str) -> Result<Self> {
        let origin = stack.origin();
        let anonymous = Client::anonymous(origin);
        let name = |who: &str| format!("{who}{word}");
        let other_owner = Customer::register(origin, &name("Trent")).await?;
        let between = ada.joined(&name("Sybil")).await?;
        other_owner.invitation(&between.email, "admin").await?;
        let code = customer::invitation_code(&anonymous, &between.email).await?;
        let code = json!({ "code": code });
        between.client.post("/v1/me/organisations", &code, 201).await?;
        other_owner.invitation(&ada.email, "viewer").await?;
        let invited = customer::address(&name("Judy"));
        ada.invitation(&invited, "viewer").await?;
        let code = customer::invitation_code(&anonymous, &invited).await?;
        let staying = moving(ada, &name("Olga")).await?;
        let moved = moving(ada, &name("Oscar")).await?;
        let new_key = new_key(stack);
        let service = service(ada).await?;
        Ok(Self {
            changing: ada.joined(&name("Mallory")).await?.id().await?,
            removable: ada.joined(&name("Niaj")).await?.id().await?,
            visited: ada.joined(&name("Victor")).await?.id().await?,
            leaving: ada.joined(&name("Walter")).await?,
            scattered: ada.joined(&name("Wendy")).await?,
            careful: ada.joined(&name("Peggy")).await?,
            email_code: customer::code(&anonymous, &moved.email).await?,
            reset_code: reset_code(stack, ada, &name("Rupert")).await?,
            spare_session: own_session(&ada.again().await?).await?,
            stepping: ada.again().await?,
            between_id: between.id().await?,
            other: other_owner.organisation().await?,
            join_code: customer::invitation_code(&anonymous, &ada.email).await?,
            newcomer: customer::address(&name("Yves")),
            invitation: invitation(ada, &name("Zoe")).await?,
            spare_invitation: invitation(ada, &name("Zack")).await?,
            acceptance: customer::acceptance(&anonymous, &code, &name("Judy")).await?,
            role: role(ada, "Auditor").await?,
            spare_role: role(ada, "Visitor").await?,
            spare_service: self::service(ada).await?,
            key: key(ada, &service, &new_key).await?,
            other_owner,
            between,
            staying,
            service,
            new_key,
        })
    }
}

/// Somebody who has asked for another address.
async fn moving(ada: &Customer, name: &str) -> Result<Customer> {
    let customer = ada.joined(name).await?;
    let wanted = json!({ "email": customer::address(&format!("{name}Moved")) });
    customer.client.post("/v1/me/email", &wanted, 202).await?;
    Ok(customer)
}

/// The code of somebody who forgot the password; it is mailed by the task.
async fn reset_code(stack: &Stack, ada: &Customer, name: &str) -> Result<String> {
    let email = ada.invite(name, "viewer").await?;
    let anonymous = Client::anonymous(stack.origin());
    let forgot = json!({ "email": email });
    anonymous.post("/v1/auth/forgot-password", &forgot, 202).await?;
    let done = stack
        .run_task("mail-retry", json!({}), stack.budget("mail-retry"))
        .await;
    done.map_err(|error| format!("mails cannot be sent: {error}"))?;
    customer::code(&anonymous, &email).await
}

/// The id of the session that asks.
async fn own_session(customer: &Customer) -> Result<String> {
    let list = customer.client.get("/v1/me/sessions").await?;
    let mut sessions = list["data"].as_array().into_iter().flatten();
    let own = sessions.find(|session| session["current"] == json!(true));
    text(own.ok_or("the own session is not listed")?, "/id")
}

async fn invitation(ada: &Customer, name: &str) -> Result<String> {
    ada.invitation(&customer::address(name), "viewer")
        .await?
        .text("/id")
}

async fn role(ada: &Customer, name: &str) -> Result<String> {
    let role = json!({ "name": name, "actions": ["records.read"] });
    ada.client.post("/v1/roles", &role, 201).await?.text("/id")
}

async fn service(ada: &Customer) -> Result<String> {
    let service = json!({ "name": "Importer" });
    ada.client
        .post("/v1/service-accounts", &service, 201)
        .await?
        .text("/id")
}

async fn key(ada: &Customer, service: &str, wanted: &Value) -> Result<String> {
    let path = format!("/v1/service-accounts/{service}/keys");
    ada.client.post(&path, wanted, 201).await?.text("/id")
}

fn new_key(stack: &Stack) -> Value {
    let second = stack.now().as_second() + KEY_DAYS * 24 * 3_600;
    let expires_at = jiff::Timestamp::from_second(second).unwrap_or(jiff::Timestamp::MAX);
    json!({
        "name": "first", "scopes": { "actions": ["records.read"] }, "expires_at": expires_at.to_string(),
    })
}
