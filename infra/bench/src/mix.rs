//! What visitors do all day: reads and writes in a fixed mix, over a connection or straight into the stack.

use bytes::Bytes;
use http::{Method, Request};
use local::Stack;
use serde_json::json;

use crate::Result;
use crate::api::{Call, Reply};
use crate::clock::Stopwatch;
use crate::customer::{self, Customer};
use connection::Connection;

mod connection;

/// Something a visitor does; its name is the route's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    Get,
    List,
    Timeline,
    Me,
    Create,
    Update,
    Attachments,
}

impl Action {
    /// The route.
    pub(crate) const fn route(self) -> &'static str {
        match self {
            Self::Get => "records-get",
            Self::List => "records-list",
            Self::Timeline => "records-timeline",
            Self::Me => "me-get",
            Self::Create => "records-create",
            Self::Update => "records-update",
            Self::Attachments => "attachments-list",
        }
    }
}

/// How often what is done, of a hundred times.
pub(crate) type Mix = &'static [(Action, u64)];

/// Mostly reads, as in a tracker that people look things up in. Nobody signs in: hashing a password would hide what the
/// stores do, and one machine may sign in only so often.
pub(crate) const SIGNED_IN: Mix = &[
    (Action::Get, 41),
    (Action::List, 14),
    (Action::Timeline, 10),
    (Action::Me, 5),
    (Action::Create, 15),
    (Action::Update, 12),
    (Action::Attachments, 3),
];

/// The mix in words.
pub(crate) fn described(mix: Mix) -> String {
    let part = |(action, weight): &(Action, u64)| format!("{weight} % `{}`", action.route());
    mix.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// The way to the API.
pub(crate) enum Door {
    /// Straight into the stack of this process.
    Stack(Stack),
    /// A connection that is kept.
    Connection(Connection),
}

impl Door {
    /// A connection to an origin, which is opened with the first request.
    pub(crate) fn to(origin: &str) -> Self {
        Self::Connection(Connection::to(origin))
    }

    async fn send(&mut self, request: Request<Bytes>) -> Result<Reply> {
        match self {
            Self::Connection(connection) => connection.send(request).await,
            Self::Stack(stack) => {
                let (parts, body) = stack.request(request).await.into_parts();
                Ok(Reply {
                    status: parts.status.as_u16(),
                    headers: parts.headers,
                    body,
                })
            }
        }
    }
}

/// What one request came to.
pub(crate) struct Done {
    pub(crate) action: Action,
    pub(crate) micros: u64,
    /// Why it was not answered as it should be.
    pub(crate) error: Option<String>,
}

/// Somebody who uses the API, one request after the other.
pub(crate) struct Visitor {
    door: Door,
    mix: Mix,
    origin: String,
    token: String,
    name: String,
    /// A record that is changed, and its version.
    record: (String, String),
    created: u64,
    random: u64,
}

impl Visitor {
    /// Somebody of that name who works as the customer, with a record to work on.
    pub(crate) async fn new(door: Door, mix: Mix, customer: &Customer, name: String) -> Result<Self> {
        let seed = name
            .bytes()
            .fold(0, |seed: u64, byte| seed.wrapping_mul(31) + u64::from(byte));
        let mut visitor = Self {
            door,
            mix,
            origin: customer.client.origin.clone(),
            token: customer.token(),
            name,
            record: (String::new(), String::new()),
            created: 0,
            random: seed,
        };
        let created = visitor.perform(Action::Create).await?.must_be(201)?;
        visitor.record = (created.text("/id")?, created.header("etag")?);
        Ok(visitor)
    }

    /// Does one thing.
    pub(crate) async fn step(&mut self) -> Done {
        let action = self.choose();
        let watch = Stopwatch::start();
        let reply = self.perform(action).await;
        let micros = u64::try_from(watch.elapsed().as_micros()).unwrap_or(u64::MAX);
        let error = match reply {
            Err(error) => Some(error),
            Ok(reply) if !(200..300).contains(&reply.status) => Some(format!(
                "{} {}",
                reply.status,
                String::from_utf8_lossy(&reply.body)
            )),
            Ok(reply) => {
                if action == Action::Update {
                    self.record.1 = reply.header("etag").unwrap_or_default();
                }
                None
            }
        };
        Done {
            action,
            micros,
            error,
        }
    }

    /// The same choices in every run: splitmix64.
    fn choose(&mut self) -> Action {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.random;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let mut left = (bits ^ (bits >> 31)) % self.mix.iter().map(|(_, weight)| weight).sum::<u64>();
        for (action, weight) in self.mix {
            if left < *weight {
                return *action;
            }
            left -= weight;
        }
        Action::Get
    }

    async fn perform(&mut self, action: Action) -> Result<Reply> {
        let call = self.call(action);
        let request = call.at(&self.origin)?;
        self.door.send(request).await
    }

    fn call(&mut self, action: Action) -> Call {
        let (record, version) = &self.record;
        let path = format!("/v1/records/{record}");
        let mut call = match action {
            Action::Get => Call::new(Method::GET, path),
            Action::List => Call::new(Method::GET, "/v1/records?kind=asset&limit=20"),
            Action::Timeline => Call::new(Method::GET, format!("{path}/events?limit=20")),
            Action::Me => Call::new(Method::GET, "/v1/me"),
            Action::Create => {
                self.created += 1;
                let tag = format!("{}-{}", self.name, self.created);
                Call::new(Method::POST, "/v1/records")
                    .json(&customer::asset(&tag))
                    .header("idempotency-key", tag)
            }
            Action::Update => {
                self.created += 1;
                let change = json!({ "fields": { "notes": format!("Looked at {} times", self.created) } });
                Call::new(Method::PATCH, path)
                    .with("application/merge-patch+json", change.to_string())
                    .header("if-match", version)
            }
            Action::Attachments => Call::new(Method::GET, format!("{path}/attachments")),
        };
        call.token = Some(self.token.clone());
        call
    }
}
