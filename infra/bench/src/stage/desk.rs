//! The operator's staff, and the access to the main customer's records that they asked for.

use local::Stack;
use serde_json::{Value, json};

use crate::Result;
use crate::api::{Client, text};
use crate::customer::{self, Customer, PASSWORD};

/// Staff with two factors, and access in each state.
pub(crate) struct Desk {
    /// Who asks.
    pub(crate) support: Customer,
    /// Who allows.
    pub(crate) lead: Customer,
    /// Whose records it is about.
    pub(crate) organisation: String,
    /// Access that was asked for, which a lead allows.
    pub(crate) asked: String,
    /// Access that was asked for, on which the owner decides.
    pub(crate) undecided: String,
    /// Access that was allowed.
    pub(crate) allowed: String,
    /// Access that was allowed and can end.
    pub(crate) ending: String,
    /// Somebody who can be removed.
    pub(crate) removable: String,
    /// Somebody who is not of the staff yet.
    pub(crate) newcomer: Value,
}

impl Desk {
    /// Makes the staff, who ask for access to the records of `ada`'s organisation.
    pub(super) async fn open(stack: &Stack, ada: &Customer, word: &str) -> Result<Self> {
        let name = |who: &str| format!("{who}{word}");
        let support = staff(stack, &name("Sam"), "support").await?;
        let organisation = ada.organisation().await?;
        let ask = async || {
            let path = format!("/v1/staff/organisations/{organisation}/access");
            let reply = support.client.post(&path, &wish(), 201).await?;
            reply.text("/id")
        };
        let (asked, undecided) = (ask().await?, ask().await?);
        let (allowed, ending) = (ask().await?, ask().await?);
        for id in [&allowed, &ending] {
            let path = format!("/v1/organisation/access/{id}/decision");
            let decision = json!({ "decision": "approve" });
            ada.client.post(&path, &decision, 200).await?;
        }
        Ok(Self {
            lead: staff(stack, &name("Lou"), "lead").await?,
            removable: invite(stack, &newcomer(&name("Rex"), "support")).await?,
            newcomer: newcomer(&name("Ned"), "support"),
            support,
            organisation,
            asked,
            undecided,
            allowed,
            ending,
        })
    }

    /// The path of an access.
    pub(crate) fn path(&self, access: &str, rest: &str) -> String {
        format!(
            "/v1/staff/organisations/{}/access/{access}{rest}",
            self.organisation
        )
    }
}

/// What is asked for.
pub(crate) fn wish() -> Value {
    json!({ "reason": "Ticket 7: the tag of a laptop is wrong." })
}

fn newcomer(name: &str, role: &str) -> Value {
    json!({ "email": customer::address(name), "name": name, "role": role })
}

async fn invite(stack: &Stack, input: &Value) -> Result<String> {
    let budget = stack.budget("staff-invite");
    let invited = stack.run_task("staff-invite", input.clone(), budget).await;
    let invited = invited.map_err(|error| format!("nobody can be invited to the staff: {error}"))?;
    text(&invited, "/user")
}

/// Somebody of the staff, who chose a password with the code from the mail and has a passkey.
async fn staff(stack: &Stack, name: &str, role: &str) -> Result<Customer> {
    invite(stack, &newcomer(name, role)).await?;
    let (anonymous, email) = (Client::anonymous(stack.origin()), customer::address(name));
    let code = customer::code(&anonymous, &email).await?;
    let chosen = json!({ "code": code, "new_password": PASSWORD });
    anonymous.post("/v1/auth/reset-password", &chosen, 204).await?;
    let mut staff = Customer::sign_in(stack.origin(), email).await?;
    staff.add_passkey().await?;
    Ok(staff)
}
