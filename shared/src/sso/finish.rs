//! From what the browser brings back to who it is.

use futures::future::BoxFuture;
use jiff::Timestamp;
use openidconnect::core::{CoreClient, CoreJsonWebKeySet};
use openidconnect::{
    AsyncHttpClient, AuthType, AuthorizationCode, ClientId, HttpRequest, HttpResponse, IssuerUrl,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, TokenResponse, TokenUrl,
};

use super::id_token::{Doubt, verify};
use super::model::{Callback, ClientSecret, Connection, Flow, Purpose, SignedIn};
use super::provider::{Provider, Providers};
use super::rules::{Refused, STEP_UP, belongs, code, nonce, verifier};
use crate::egress::{self, Egress};
use crate::error::Error;
use crate::ids::ConnectionId;

/// Why nobody is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It must not be; trying the same again gives the same.
    Refused(Refused),
    /// The provider is not reached.
    Unavailable(egress::Failure),
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<egress::Failure> for Failure {
    fn from(failure: egress::Failure) -> Self {
        Self::Unavailable(failure)
    }
}

impl From<Failure> for Error {
    /// The person is told the same whatever was refused; the reason is for the security event.
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(_) => {
                Self::Unauthenticated("The sign-in with your identity provider did not succeed.")
            }
            Failure::Unavailable(failure) => failure.into(),
        }
    }
}

/// What a browser came back with, and what was known when it left.
pub struct Attempt<'a> {
    /// The connection's id.
    pub id: ConnectionId,
    /// The connection as it is now.
    pub connection: &'a Connection,
    /// The connection's client secret.
    pub secret: &'a ClientSecret,
    /// The flow whose `state` came back. Whoever calls has taken it out of the table, so that it is used once.
    pub flow: &'a Flow,
    /// The flow's cookie.
    pub cookie: Option<&'a str>,
    /// What the provider sent along.
    pub callback: &'a Callback,
    /// The redirect URI as it was in the request.
    pub redirect_uri: &'a str,
}

/// Finds out who signed in.
///
/// # Errors
/// When it is refused, or the provider is not reached.
pub async fn finish(
    attempt: &Attempt<'_>,
    egress: &Egress,
    providers: &Providers,
    now: Timestamp,
) -> Result<SignedIn, Failure> {
    let Attempt { connection, flow, .. } = *attempt;
    belongs(flow, attempt.cookie, (attempt.id, connection), now)?;
    let cookie = attempt.cookie.ok_or(Refused::OtherBrowser)?;
    let provider = providers.provider(egress, connection, now).await?;
    let code = code(attempt.callback, provider.issuer(), provider.names_issuer())?;
    let token = exchange(attempt, &provider, (code, verifier(cookie)), egress).await?;
    let nonce = nonce(cookie);
    let keys = providers
        .keys(egress, connection, (&provider, false), now)
        .await?;
    let signed_in = match verify(&token, connection, &keys, &nonce, now) {
        Err(Doubt::UnknownKey) => {
            let keys = providers.keys(egress, connection, (&provider, true), now).await?;
            verify(&token, connection, &keys, &nonce, now)
        }
        verified => verified,
    };
    let signed_in = signed_in.map_err(|doubt| match doubt {
        Doubt::UnknownKey => Refused::IdToken("kid"),
        Doubt::Refused(refused) => refused,
    })?;
    let fresh = |at: Timestamp| now.duration_since(at).abs() <= STEP_UP;
    if matches!(flow.purpose, Purpose::StepUp(_)) && !signed_in.authenticated_at.is_some_and(fresh) {
        return Err(Refused::NotFresh.into());
    }
    Ok(signed_in)
}

/// Our way out, as the library asks through it: to the provider's token endpoint, whatever it asks for.
struct Door<'a> {
    egress: &'a Egress,
    provider: &'a Provider,
}

impl<'c> AsyncHttpClient<'c> for Door<'_> {
    type Error = egress::Failure;
    type Future = BoxFuture<'c, Result<HttpResponse, egress::Failure>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        let (head, body) = request.into_parts();
        let sent = self
            .egress
            .send(self.provider.token_endpoint(), head.method, head.headers, body);
        Box::pin(sent)
    }
}

/// The ID token for a code. The access token that comes with it is dropped.
async fn exchange(
    attempt: &Attempt<'_>,
    provider: &Provider,
    (code, verifier): (&str, String),
    egress: &Egress,
) -> Result<String, Failure> {
    let wrong = |_| Refused::Discovery;
    let issuer = IssuerUrl::new(provider.issuer().to_owned()).map_err(wrong)?;
    let client_id = ClientId::new(attempt.connection.client_id.as_str().to_owned());
    let client = CoreClient::new(client_id, issuer, CoreJsonWebKeySet::default())
        .set_client_secret(openidconnect::ClientSecret::new(
            attempt.secret.reveal().to_owned(),
        ))
        .set_auth_type(if provider.secret_in_body() {
            AuthType::RequestBody
        } else {
            AuthType::BasicAuth
        })
        .set_redirect_uri(RedirectUrl::new(attempt.redirect_uri.to_owned()).map_err(wrong)?)
        .set_token_uri(TokenUrl::new(provider.token_endpoint().as_str().to_owned()).map_err(wrong)?);
    let door = Door { egress, provider };
    let answer = client
        .exchange_code(AuthorizationCode::new(code.to_owned()))
        .set_pkce_verifier(PkceCodeVerifier::new(verifier))
        .request_async(&door)
        .await
        .map_err(|error| match error {
            RequestTokenError::Request(failure) => Failure::Unavailable(failure),
            // Its texts are the provider's.
            _ => Failure::Refused(Refused::Exchange),
        })?;
    let token = answer.id_token().ok_or(Refused::Exchange)?;
    Ok(token.to_string())
}
