//! The decisions of a sign-in; pure.

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use openidconnect::PkceCodeChallenge;
use openidconnect::PkceCodeVerifier;
use url::Url;

use super::ReturnTo;
use super::model::{
    Callback, ClientId, Connection, Flow, GOOGLE_ISSUER, Kind, MICROSOFT_ISSUER, Purpose, TENANT_PLACEHOLDER,
    TenantId,
};
use super::provider::Provider;
use crate::accounts::token::{OpaqueSecret, digest_of, same_digest};
use crate::egress::Egress;
use crate::entropy::Entropy;
use crate::error::Violation;
use crate::ids::ConnectionId;

/// How long somebody may take at the provider.
pub const FLOW_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// How long ago the provider may have asked for a credential, for it to count as a step-up.
pub const STEP_UP: SignedDuration = SignedDuration::from_mins(5);

/// Why a sign-in is refused. The person is told none of it; it is for the security event, and holds nothing of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It took longer than [`FLOW_LIFETIME`].
    Late,
    /// The answer came from a browser that did not begin this flow.
    OtherBrowser,
    /// The connection is off, or is another than that of the flow.
    Connection,
    /// The provider says no: the code of its error, if it is one that is known.
    Provider(&'static str),
    /// The answer holds no code, or does not say whose it is where it has to, or says that it is another's.
    Answer,
    /// What the provider publishes about itself is not usable, or is another's.
    Discovery,
    /// The provider gives no ID token for the code.
    Exchange,
    /// The ID token is not good: which of its claims.
    IdToken(&'static str),
    /// The person is of a tenant or hosted domain that the connection does not allow.
    Stranger,
    /// The provider did not ask for a credential just now.
    NotFresh,
    /// No sign-in is under way under this `state`, or its connection is gone.
    Flow,
    /// The identity is linked to nobody, or to somebody else.
    Identity,
    /// The account, its session or its membership does not allow it.
    Account,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late => f.write_str("late"),
            Self::OtherBrowser => f.write_str("other_browser"),
            Self::Connection => f.write_str("connection"),
            Self::Provider(code) => write!(f, "provider:{code}"),
            Self::Answer => f.write_str("answer"),
            Self::Discovery => f.write_str("discovery"),
            Self::Exchange => f.write_str("exchange"),
            Self::IdToken(claim) => write!(f, "id_token:{claim}"),
            Self::Stranger => f.write_str("stranger"),
            Self::NotFresh => f.write_str("not_fresh"),
            Self::Flow => f.write_str("flow"),
            Self::Identity => f.write_str("identity"),
            Self::Account => f.write_str("account"),
        }
    }
}

/// A sign-in that has begun.
pub struct Begun {
    /// Where the browser is sent.
    pub url: Url,
    /// Under whose digest the flow is stored; the provider sends it back.
    pub state: OpaqueSecret,
    /// What the browser keeps in the flow's cookie. It stands in no URL.
    pub cookie: OpaqueSecret,
    /// What is stored.
    pub flow: Flow,
}

/// The most hosted domains or tenants of a connection.
pub(super) const MAX_NAMED: usize = 50;

/// Checks what an organisation enters, and fills in the issuer of the providers that have one for everybody.
///
/// # Errors
/// Says what is wrong with the issuer or the provider.
pub fn connection(
    kind: Kind,
    issuer: Option<&str>,
    client_id: ClientId,
    egress: &Egress,
) -> Result<Connection, Violation> {
    let named = match &kind {
        Kind::Google { hosted_domains } => Some(("/provider/hosted_domains", hosted_domains.len())),
        Kind::Microsoft { tenants } => Some(("/provider/tenants", tenants.len())),
        Kind::Oidc => None,
    };
    if let Some((pointer, count)) = named.filter(|(_, count)| !(1..=MAX_NAMED).contains(count)) {
        let detail = format!("It must name 1 to {MAX_NAMED}, not {count}");
        return Err(Violation::new(pointer, detail));
    }
    let wrong = |detail: String| Violation::new("/issuer", detail);
    let issuer = match (&kind, issuer) {
        (Kind::Google { .. }, None) => GOOGLE_ISSUER.to_owned(),
        (Kind::Microsoft { .. }, None) => MICROSOFT_ISSUER.to_owned(),
        (Kind::Oidc, Some(issuer)) => own_issuer(issuer, egress).map_err(wrong)?,
        (Kind::Oidc, None) => return Err(wrong("It is missing".to_owned())),
        (_, Some(_)) => return Err(wrong("This kind of provider has an issuer of its own".to_owned())),
    };
    Ok(Connection {
        kind,
        issuer,
        client_id,
        enabled: true,
    })
}

fn own_issuer(issuer: &str, egress: &Egress) -> Result<String, String> {
    let destination = egress.destination(issuer)?;
    let host = destination.url().host_str().unwrap_or_default();
    if destination.url().query().is_some() {
        return Err("An issuer has no query".to_owned());
    }
    // As an issuer like any other, these would let in everybody who has an account there.
    if host == "accounts.google.com" || host == "login.microsoftonline.com" || host == "sts.windows.net" {
        return Err("Google and Microsoft are kinds of their own".to_owned());
    }
    Ok(issuer.to_owned())
}

/// Begins a sign-in: `response_type=code`, PKCE with S256, `state`, `nonce`, and no more scopes than are needed.
pub fn begin(
    (id, connection): (ConnectionId, &Connection),
    provider: &Provider,
    redirect_uri: &str,
    (purpose, return_to): (Purpose, ReturnTo),
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Begun {
    let (state, cookie) = (OpaqueSecret::new(entropy), OpaqueSecret::new(entropy));
    let challenge =
        PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier(cookie.reveal())));
    let mut url = provider.authorization_endpoint().clone();
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", connection.client_id.as_str())
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("scope", scope(&connection.kind))
        .append_pair("state", state.reveal())
        .append_pair("nonce", &nonce(cookie.reveal()))
        .append_pair("code_challenge", challenge.as_str())
        .append_pair("code_challenge_method", challenge.method().as_str());
    if let Kind::Google { hosted_domains } = &connection.kind
        && let [domain] = hosted_domains.as_slice()
    {
        url.query_pairs_mut().append_pair("hd", domain.as_str());
    }
    if let Purpose::StepUp(_) = purpose {
        url.query_pairs_mut()
            .append_pair("max_age", "0")
            .append_pair("prompt", "login");
    }
    let expires_at = now.saturating_add(FLOW_LIFETIME).unwrap_or(Timestamp::MAX);
    let flow = Flow {
        browser: cookie.digest(),
        connection: id,
        purpose,
        return_to,
        expires_at,
        ttl: expires_at.as_second(),
    };
    Begun {
        url,
        state,
        cookie,
        flow,
    }
}

/// The scopes that are asked for. Microsoft gives the object id of a person only with `profile`.
fn scope(kind: &Kind) -> &'static str {
    match kind {
        Kind::Microsoft { .. } => "openid email profile",
        Kind::Google { .. } | Kind::Oidc => "openid email",
    }
}

/// The nonce of the flow whose cookie holds `secret`.
pub(super) fn nonce(secret: &str) -> String {
    derived(secret, "nonce")
}

/// The PKCE verifier of the flow whose cookie holds `secret`.
pub(super) fn verifier(secret: &str) -> String {
    derived(secret, "verifier")
}

fn derived(secret: &str, purpose: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, purpose.as_bytes()))
}

/// Whether an answer belongs to a flow, before anybody is asked anything: in time, from the browser that began it,
/// through the same connection, which is still on.
///
/// # Errors
/// Says why not.
pub fn belongs(
    flow: &Flow,
    cookie: Option<&str>,
    (id, connection): (ConnectionId, &Connection),
    now: Timestamp,
) -> Result<(), Refused> {
    let same = |secret: &str| same_digest(&digest_of(secret), &flow.browser);
    if now >= flow.expires_at {
        Err(Refused::Late)
    } else if !cookie.is_some_and(same) {
        Err(Refused::OtherBrowser)
    } else if id != flow.connection || !connection.enabled {
        Err(Refused::Connection)
    } else {
        Ok(())
    }
}

/// The code that an answer holds. An answer that names its issuer must name the right one, and must name it where the
/// provider says that it does (RFC 9207 §2.4): an error, too.
///
/// # Errors
/// Says why there is none.
pub fn code<'a>(callback: &'a Callback, issuer: &str, names_issuer: bool) -> Result<&'a str, Refused> {
    match callback.iss.as_deref() {
        Some(named) if named != issuer => return Err(Refused::Answer),
        None if names_issuer => return Err(Refused::Answer),
        _ => {}
    }
    if let Some(error) = callback.error.as_deref() {
        return Err(Refused::Provider(known_error(error)));
    }
    callback
        .code
        .as_deref()
        .filter(|code| (1..=4_096).contains(&code.len()))
        .ok_or(Refused::Answer)
}

fn known_error(code: &str) -> &'static str {
    const KNOWN: [&str; 10] = [
        "access_denied",
        "account_selection_required",
        "consent_required",
        "interaction_required",
        "invalid_request",
        "invalid_scope",
        "login_required",
        "server_error",
        "temporarily_unavailable",
        "unauthorized_client",
    ];
    KNOWN.into_iter().find(|known| *known == code).unwrap_or("other")
}

impl Connection {
    /// The issuer that ID tokens must name: for Microsoft that of the tenant that the token names, if it is allowed.
    pub(super) fn issuer_of(&self, tenant: Option<&str>) -> Option<Cow<'_, str>> {
        let Kind::Microsoft { tenants } = &self.kind else {
            return Some(Cow::Borrowed(&self.issuer));
        };
        let tenant = tenants.iter().find(|allowed| Some(allowed.as_str()) == tenant)?;
        Some(Cow::Owned(self.in_tenant(tenant.as_str())))
    }

    /// The issuer under which the provider publishes what it is. Where several tenants of Microsoft may come, it is that
    /// of all organisations, whose document names the placeholder instead of a tenant.
    pub(super) fn discovery(&self) -> (String, Cow<'_, str>) {
        match &self.kind {
            Kind::Google { .. } | Kind::Oidc => (well_known(&self.issuer), Cow::Borrowed(&self.issuer)),
            Kind::Microsoft { tenants } => match tenants.as_slice() {
                [tenant] => {
                    let issuer = self.in_tenant(TenantId::as_str(tenant));
                    (well_known(&issuer), Cow::Owned(issuer))
                }
                _ => (
                    well_known(&self.in_tenant("organizations")),
                    Cow::Borrowed(&self.issuer),
                ),
            },
        }
    }

    fn in_tenant(&self, tenant: &str) -> String {
        self.issuer.replace(TENANT_PLACEHOLDER, tenant)
    }
}

/// Where an issuer publishes what it is (OpenID Connect Discovery 1.0 §4).
fn well_known(issuer: &str) -> String {
    format!(
        "{}/.well-known/openid-configuration",
        issuer.trim_end_matches('/')
    )
}
