//! Connections to an identity provider, and domains.

use std::sync::Arc;

use local::Stack;
use local::names::Records;
use serde_json::{Value, json};
use tests::openid::{Algorithm, CLIENT_ID, CLIENT_SECRET, Provider};

use crate::Result;
use crate::customer::Customer;

/// What the main customer has for single sign-on.
pub(crate) struct Sso {
    /// The provider.
    pub(crate) provider: Arc<Provider>,
    /// A connection.
    pub(crate) connection: String,
    /// A connection that can go.
    pub(crate) spare_connection: String,
    /// A domain whose challenge is published.
    pub(crate) domain: String,
    /// A domain that can go.
    pub(crate) spare_domain: String,
    /// The name of a domain that is not there yet.
    pub(crate) new_domain: String,
}

impl Sso {
    /// Connects a provider to `ada`'s organisation.
    pub(super) async fn connect(stack: &Stack, ada: &Customer, word: &str) -> Result<Self> {
        let provider = Provider::start(stack.clock(), Algorithm::Es256).await;
        let name = |part: &str| format!("{part}-{}.example", word.to_lowercase());
        Ok(Self {
            connection: connection(ada, &provider).await?,
            spare_connection: connection(ada, &provider).await?,
            domain: published(stack, ada, &name("proved")).await?,
            spare_domain: published(stack, ada, &name("spare")).await?,
            new_domain: name("new"),
            provider,
        })
    }

    /// The wish for a connection.
    pub(crate) fn wish(&self) -> Value {
        wish(&self.provider)
    }
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
