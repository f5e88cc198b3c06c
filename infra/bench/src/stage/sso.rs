//! Connections to an identity provider, domains, and people with identities there.

use std::sync::Arc;

use http::Method;
use local::Stack;
use local::names::Records;
use serde_json::{Value, json};
use tests::openid::{Algorithm, CLIENT_ID, CLIENT_SECRET, Provider};

use crate::Result;
use crate::api::{Call, Client, Reply, text};
use crate::customer::Customer;

/// What the main customer has for single sign-on.
pub(crate) struct Sso {
    /// The provider.
    pub(crate) provider: Arc<Provider>,
    /// A connection.
    pub(crate) connection: String,
    /// A connection that stays as it is.
    pub(crate) lasting_connection: String,
    /// The organisation.
    pub(crate) organisation: String,
    /// A connection that can go.
    pub(crate) spare_connection: String,
    /// A domain whose challenge is published.
    pub(crate) domain: String,
    /// A domain that can go.
    pub(crate) spare_domain: String,
    /// The name of a domain that is not there yet.
    pub(crate) new_domain: String,
    /// Who has an identity that can go, and its id.
    pub(crate) removing: (Customer, String),
    /// The cookie of a session that was begun through the provider.
    pub(crate) session: String,
    /// The way back of somebody who is at the provider: its path and the flow's cookie.
    pub(crate) back: (String, String),
}

impl Sso {
    /// Connects a provider to `ada`'s organisation.
    pub(super) async fn connect(stack: &Stack, ada: &Customer, word: &str) -> Result<Self> {
        let provider = Provider::start(stack.clock(), Algorithm::Es256).await;
        let name = |part: &str| format!("{part}-{}.example", word.to_lowercase());
        let organisation = ada.organisation().await?;
        let lasting_connection = connection(ada, &provider).await?;
        let iris = ada.joined(&format!("Iris{word}")).await?;
        link(&iris, &provider, &lasting_connection).await?;
        let identities = iris.client.get("/v1/me/identities").await?;
        // The provider goes on to say that whoever comes is the second one.
        let ivan = ada.joined(&format!("Ivan{word}")).await?;
        link(&ivan, &provider, &lasting_connection).await?;
        let by_id = by_id(&organisation, &lasting_connection);
        let set_out = async || set_out(&ivan, &provider, "/v1/auth/sso", &by_id).await;
        let (path, cookie) = set_out().await?;
        let signed_in = come_back(&ivan, &path, &cookie).await?;
        Ok(Self {
            removing: (iris, text(&identities, "/data/0/id")?),
            session: cookie_of(&signed_in, "__Host-session=")?,
            back: set_out().await?,
            lasting_connection,
            organisation,
            connection: connection(ada, &provider).await?,
            spare_connection: connection(ada, &provider).await?,
            domain: published(stack, ada, &name("proved")).await?,
            spare_domain: published(stack, ada, &name("spare")).await?,
            new_domain: name("new"),
            provider,
        })
    }

    /// What begins a sign-in.
    pub(crate) fn by_id(&self) -> Value {
        by_id(&self.organisation, &self.lasting_connection)
    }

    /// The wish for a connection.
    pub(crate) fn wish(&self) -> Value {
        wish(&self.provider)
    }
}

fn by_id(organisation: &str, connection: &str) -> Value {
    json!({ "organisation_id": organisation, "connection_id": connection })
}

/// Links who the person is at the provider, under their own id here.
async fn link(person: &Customer, provider: &Provider, connection: &str) -> Result<()> {
    provider.says("sub", json!(person.id().await?));
    let body = json!({ "connection_id": connection });
    let (path, cookie) = set_out(person, provider, "/v1/me/identities", &body).await?;
    come_back(person, &path, &cookie).await?;
    Ok(())
}

/// Goes to the provider, and gives the path of the way back and the flow's cookie.
async fn set_out(
    person: &Customer,
    provider: &Provider,
    path: &str,
    body: &Value,
) -> Result<(String, String)> {
    let reply = person.client.post(path, body, 200).await?;
    let url = reply.text("/authorization_url")?.parse();
    let back = provider.visit(&url.map_err(|_| "the URL of a provider is none")?)?;
    let path = format!("{}?{}", back.path(), back.query().unwrap_or_default());
    Ok((path, cookie_of(&reply, "__Host-session_sso=")?))
}

async fn come_back(person: &Customer, path: &str, cookie: &str) -> Result<Reply> {
    let call = Call::new(Method::GET, path).header("cookie", cookie);
    Client::anonymous(&person.client.origin)
        .call(call)
        .await?
        .must_be(303)
}

/// The cookie that an answer sets and that begins like this.
fn cookie_of(reply: &Reply, start: &str) -> Result<String> {
    let mut all = reply
        .headers
        .get_all("set-cookie")
        .iter()
        .filter_map(|set| set.to_str().ok());
    let set = all.find(|set| set.starts_with(start));
    let pair = set.and_then(|set| set.split(';').next());
    pair.map(str::to_owned)
        .ok_or(format!("an answer sets no cookie {start}"))
}

fn wish(provider: &Provider) -> Value {
    json!({
        "provider": { "kind": "oidc" }, "issuer": provider.issuer,
        "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
    })
}

async fn connection(ada: &Customer, provider: &Provider) -> Result<String> {
    let path = "/v1/organisation/connections";
    ada.client.post(path, &wish(provider), 201).await?.text("/id")
}

/// Adds a domain, and publishes what proves it.
async fn published(stack: &Stack, ada: &Customer, name: &str) -> Result<String> {
    let body = json!({ "name": name });
    let added = ada.client.post("/v1/organisation/domains", &body, 201).await?;
    let records = Records {
        txt: vec![added.text("/record/value")?],
        addresses: Vec::new(),
    };
    stack.names().set(&added.text("/record/name")?, records);
    added.text("/id")
}
