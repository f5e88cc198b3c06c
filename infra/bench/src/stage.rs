//! What is there before the functions are tried: customers with something of everything, so that each function finds
//! what it works on and none takes it away from another.

use http::Method;
use local::Stack;
use serde_json::{Value, json};

use crate::Result;
use crate::api::{Call, Client, text};
use crate::customer::{self, Customer};
use crate::limits::forget_limits;
use desk::Desk;
use factors::Factors;
use sso::Sso;
use team::Team;

pub(crate) mod desk;
mod factors;
mod sso;
mod team;

/// How many assets the main customer imports: more than a page of a list.
const IMPORTED: usize = 100;

/// The prepared customers and their things.
pub(crate) struct Stage {
    /// Who owns what most functions are tried on.
    pub(crate) ada: Customer,
    /// A session to end.
    pub(crate) ending: Customer,
    /// A session to go on with.
    pub(crate) lasting: Customer,
    /// The registration of somebody who does not exist yet.
    pub(crate) registration: Value,
    /// Of somebody who has not confirmed the address yet.
    pub(crate) code: String,
    /// Of somebody who asks for the code again.
    pub(crate) forgetful: String,
    /// An asset with files.
    pub(crate) record: String,
    /// A file of it.
    pub(crate) attachment: String,
    /// A file of it that is uploaded and not completed yet.
    pub(crate) uploaded: String,
    /// A file of it that can go.
    pub(crate) spare: String,
    /// An asset that can change, and its version.
    pub(crate) changing: (String, String),
    /// An asset with a file that can go, and its version.
    pub(crate) doomed: (String, String),
    /// The import.
    pub(crate) import: String,
    /// Whose subscription is cancelled.
    pub(crate) cancelled: Customer,
    /// Who is about to cancel.
    pub(crate) leaving: Customer,
    /// Whose organisation can be closed.
    pub(crate) closing: Customer,
    /// Whose organisation is closed, so that the account may go.
    pub(crate) closed: Customer,
    /// The erasure of that organisation.
    pub(crate) erasure: String,
    /// A unit to hold.
    pub(crate) unit: String,
    /// A unit with a hold on it, and the hold.
    pub(crate) held: (String, String),
    /// The others in the main customer's organisation.
    pub(crate) team: Team,
    /// Those with factors besides the password.
    pub(crate) factors: Factors,
    /// What the main customer has for single sign-on.
    pub(crate) sso: Sso,
    /// The operator's staff.
    pub(crate) desk: Desk,
    /// Where it all is.
    pub(crate) stack: Stack,
}

impl Stage {
    /// Prepares a stage whose names carry `word`.
    pub(crate) async fn set(stack: &Stack, word: &str) -> Result<Self> {
        forget_limits(stack).await?;
        let origin = stack.origin();
        let anonymous = Client::anonymous(origin);
        let name = |who: &str| format!("{who}{word}");
        let (closed, erasure) = closed(origin, &name("Erin")).await?;
        let ada = Customer::register(origin, &name("Ada")).await?;
        let import = ada.import(&name("Ada"), IMPORTED).await?;
        ada.bill().await?;
        let record = ada.asset(&name("record")).await?;
        let changing = versioned(&ada, ada.asset(&name("changing")).await?).await?;
        let doomed = ada.asset(&name("doomed")).await?;
        ada.attach(&doomed, "doomed.txt").await?;
        let cancelled = furnished(origin, &name("Carol")).await?;
        cancelled
            .client
            .post("/v1/organisation/cancel", &Value::Null, 200)
            .await?;
        let forgetful = customer::registration(&anonymous, &name("Frank")).await?;
        anonymous.post("/v1/auth/register", &forgetful, 202).await?;
        let unconfirmed = customer::registration(&anonymous, &name("Grace")).await?;
        anonymous.post("/v1/auth/register", &unconfirmed, 202).await?;
        let unit = format!("{}.content", ada.organisation().await?);
        Ok(Self {
            ending: ada.again().await?,
            lasting: ada.again().await?,
            registration: customer::registration(&anonymous, &name("Heidi")).await?,
            code: customer::code(&anonymous, &text(&unconfirmed, "/email")?).await?,
            forgetful: text(&forgetful, "/email")?,
            attachment: ada.attach(&record, "kept.txt").await?,
            uploaded: ada.upload(&record, "uploaded.txt").await?,
            spare: ada.attach(&record, "spare.txt").await?,
            doomed: versioned(&ada, doomed).await?,
            leaving: furnished(origin, &name("Bob")).await?,
            closing: furnished(origin, &name("Dave")).await?,
            held: held(stack, unit.clone()).await?,
            team: Team::gather(stack, &ada, word).await?,
            factors: Factors::set_up(stack, &ada, word).await?,
            sso: Sso::connect(stack, &ada, word).await?,
            desk: Desk::open(stack, &ada, word).await?,
            stack: stack.clone(),
            changing,
            record,
            import,
            cancelled,
            closed,
            erasure,
            unit,
            ada,
        })
    }
}

/// A customer with a record, a file and billing details.
async fn furnished(origin: &str, name: &str) -> Result<Customer> {
    let customer = Customer::register(origin, name).await?;
    let record = customer.asset(name).await?;
    customer.attach(&record, "manual.txt").await?;
    customer.bill().await?;
    Ok(customer)
}

/// A customer who closed the organisation, and its erasure.
async fn closed(origin: &str, name: &str) -> Result<(Customer, String)> {
    let customer = furnished(origin, name).await?;
    let call = Call::new(Method::DELETE, "/v1/organisation");
    let erasure = customer
        .client
        .call(call)
        .await?
        .must_be(202)?
        .text("/erasure_id")?;
    Ok((customer, erasure))
}

/// A record with its version, as the next change has to name it.
async fn versioned(customer: &Customer, record: String) -> Result<(String, String)> {
    let call = Call::new(Method::GET, format!("/v1/records/{record}"));
    let version = customer.client.call(call).await?.must_be(200)?.header("etag")?;
    Ok((record, version))
}

/// A unit with a hold on it.
async fn held(stack: &Stack, unit: String) -> Result<(String, String)> {
    let input = json!({ "unit": unit, "reason": "A case before the court" });
    let placed = stack
        .run_task("holds-place", input, stack.budget("holds-place"))
        .await;
    let placed = placed.map_err(|error| format!("no hold can be placed: {error}"))?;
    Ok((unit, text(&placed, "/hold")?))
}
