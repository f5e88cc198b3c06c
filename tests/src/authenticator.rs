//! A browser with a passkey authenticator (Web Authentication Level 3) that also does what none should.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const USER_PRESENT: u8 = 1 << 0;
const USER_VERIFIED: u8 = 1 << 2;
const ATTESTED: u8 = 1 << 6;

/// What browser and authenticator do differently from what they are asked. By default nothing.
#[derive(Debug, Clone)]
pub struct Conduct {
    /// The origin that the browser writes down.
    pub origin: String,
    /// The relying party that the authenticator signs for instead of the one that asks.
    pub rp_id: Option<String>,
    /// The type that the browser writes down instead of `webauthn.create` or `webauthn.get`.
    pub type_name: Option<String>,
    /// The challenge that is signed instead of the one that was asked, in base64url.
    pub challenge: Option<String>,
    /// Whether the page was in a frame of another origin.
    pub cross_origin: bool,
    /// Whether the user touched the authenticator.
    pub user_present: bool,
    /// Whether the authenticator verified the user.
    pub user_verified: bool,
    /// The user that the authenticator names instead of the one it registered; an empty text names nobody.
    pub user_handle: Option<String>,
    /// Whether the credential that was made last is given out as a new one.
    pub same_credential: bool,
    /// By how much the counter of uses grows; with 0 it stays 0, as with passkeys that are kept in step.
    pub counter_step: u32,
}

/// A browser with an authenticator.
pub struct Authenticator {
    /// What it does differently.
    pub conduct: Conduct,
    credentials: Vec<Credential>,
}

struct Credential {
    id: Vec<u8>,
    key: EcdsaKeyPair,
    rp_id: String,
    user_handle: String,
    counter: u32,
}

impl Authenticator {
    /// An honest authenticator, whose browser shows a page of `origin`.
    pub fn new(origin: &str) -> Self {
        let conduct = Conduct {
            origin: origin.to_owned(),
            rp_id: None,
            type_name: None,
            challenge: None,
            cross_origin: false,
            user_present: true,
            user_verified: true,
            user_handle: None,
            same_credential: false,
            counter_step: 1,
        };
        Self {
            conduct,
            credentials: Vec::new(),
        }
    }

    /// `navigator.credentials.create()`: a new ES256 credential without attestation, as `toJSON()` writes it.
    ///
    /// # Panics
    /// When the options are not those of a registration.
    pub fn create(&mut self, options: &Value) -> Value {
        let known = self.credentials.pop_if(|_| self.conduct.same_credential);
        let key = known.map_or_else(
            || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key can be made"),
            |credential| credential.key,
        );
        let credential = Credential {
            id: digest(&SHA256, key.public_key().as_ref()).as_ref().to_vec(),
            key,
            rp_id: text(&options["rp"]["id"]),
            user_handle: text(&options["user"]["id"]),
            counter: 0,
        };
        let mut data = self.authenticator_data(&credential, ATTESTED);
        data.extend_from_slice(&[0; 16]); // the authenticator's model, which it keeps to itself
        data.extend_from_slice(&(credential.id.len() as u16).to_be_bytes());
        data.extend_from_slice(&credential.id);
        data.extend_from_slice(&cose_key(credential.key.public_key().as_ref()));
        let answer = answer(
            &credential.id,
            json!({
                "clientDataJSON": encode(&self.client_data("webauthn.create", options)),
                "attestationObject": encode(&attestation_object(&data)),
                "transports": ["internal"],
            }),
        );
        self.credentials.push(credential);
        answer
    }

    /// `navigator.credentials.get()`: signs with the newest credential that may answer, as `toJSON()` writes it.
    ///
    /// # Panics
    /// When the options are not those of a check, or no credential may answer.
    pub fn get(&mut self, options: &Value) -> Value {
        let allowed: Vec<String> = options["allowCredentials"]
            .as_array()
            .map(|list| list.iter().map(|entry| text(&entry["id"])).collect())
            .unwrap_or_default();
        let rp_id = text(&options["rpId"]);
        let may_answer = |credential: &Credential| {
            credential.rp_id == rp_id && (allowed.is_empty() || allowed.contains(&encode(&credential.id)))
        };
        let index = self
            .credentials
            .iter()
            .rposition(may_answer)
            .expect("no credential may answer");
        self.credentials[index].counter += self.conduct.counter_step;
        let credential = &self.credentials[index];
        let client_data = self.client_data("webauthn.get", options);
        let data = self.authenticator_data(credential, 0);
        let signed = [data.as_slice(), digest(&SHA256, &client_data).as_ref()].concat();
        let signature = credential
            .key
            .sign(&SystemRandom::new(), &signed)
            .expect("the key signs");
        let mut response = json!({
            "clientDataJSON": encode(&client_data),
            "authenticatorData": encode(&data),
            "signature": encode(signature.as_ref()),
        });
        let handle = self
            .conduct
            .user_handle
            .as_ref()
            .unwrap_or(&credential.user_handle);
        if !handle.is_empty() {
            response["userHandle"] = json!(handle);
        }
        answer(&credential.id, response)
    }

    fn client_data(&self, type_name: &str, options: &Value) -> Vec<u8> {
        let challenge = self.conduct.challenge.clone();
        let data = json!({
            "type": self.conduct.type_name.as_deref().unwrap_or(type_name),
            "challenge": challenge.unwrap_or_else(|| text(&options["challenge"])),
            "origin": self.conduct.origin,
            "crossOrigin": self.conduct.cross_origin,
        });
        data.to_string().into_bytes()
    }

    fn authenticator_data(&self, credential: &Credential, mut flags: u8) -> Vec<u8> {
        if self.conduct.user_present {
            flags |= USER_PRESENT;
        }
        if self.conduct.user_verified {
            flags |= USER_VERIFIED;
        }
        let rp_id = self.conduct.rp_id.as_ref().unwrap_or(&credential.rp_id);
        let mut data = digest(&SHA256, rp_id.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend_from_slice(&credential.counter.to_be_bytes());
        data
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("the options have it").to_owned()
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn answer(id: &[u8], response: Value) -> Value {
    json!({
        "id": encode(id),
        "rawId": encode(id),
        "type": "public-key",
        "authenticatorAttachment": "platform",
        "clientExtensionResults": {},
        "response": response,
    })
}

/// `{1: 2, 3: -7, -1: 1, -2: x, -3: y}` in CBOR: an ES256 key (RFC 9053 §7.1.1). `point` is uncompressed.
fn cose_key(point: &[u8]) -> Vec<u8> {
    let (x, y) = point[1..].split_at(32);
    [
        &[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20],
        x,
        &[0x22, 0x58, 0x20],
        y,
    ]
    .concat()
}

/// `{"fmt": "none", "attStmt": {}, "authData": data}` in CBOR.
fn attestation_object(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u16).to_be_bytes();
    [
        b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".as_slice(),
        &length,
        data,
    ]
    .concat()
}
