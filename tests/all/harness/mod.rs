//! A world to test in: a stack in memory, a clock that stands still, customers with a client each.

mod client;
mod customer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use local::{Clocks, Fault, Options, Stack, Storage};
use serde_json::{Value, json};
use shared::clock::ManualClock;
use shared::policy::Profile;
use tokio::sync::Notify;

pub use client::{Client, Reply};
pub use customer::{Customer, announcement};

/// When every world begins: an ordinary Monday noon.
pub const START: &str = "2026-11-23T12:00:00Z";

/// The origin of pages that show passkeys; on this machine it has a name.
pub const PAGE: &str = "http://localhost:8787";

pub const PASSWORD: &str = "a quiet harbour at dawn 7";

/// A stack in memory with every call checked against `template.yaml`, and a clock that moves when it is told to.
pub struct World {
    pub stack: Stack,
    pub clock: Arc<ManualClock>,
}

impl World {
    /// A world in memory, or in an external service when there is one.
    pub async fn new(profile: Profile) -> Self {
        Self::stored(profile, external().map_or(Storage::Memory, Storage::External)).await
    }

    pub async fn stored(profile: Profile, storage: Storage) -> Self {
        let clock = Arc::new(ManualClock::new(START.parse().unwrap()));
        let options = Options {
            profile,
            storage,
            clock: Clocks::Manual(Arc::clone(&clock)),
            port: None,
            enforce_policies: true,
            schedules: false,
        };
        let stack = Stack::start(options).await.unwrap();
        Self { stack, clock }
    }

    pub fn now(&self) -> Timestamp {
        self.stack.now()
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub fn anonymous(&self) -> Client {
        Client {
            stack: self.stack.clone(),
            token: None,
            cookie: None,
        }
    }

    /// Registers, confirms and signs in a customer whose every text carries `word`.
    pub async fn customer(&self, word: &str) -> Customer {
        let email = format!("{}@customer.example", word.to_lowercase());
        let anonymous = self.anonymous();
        let version = self.stack.profile().policy().version().to_string();
        let registration = json!({
            "name": format!("Ada {word}"), "email": email, "company": format!("{word} Works"), "password": PASSWORD,
            "age_confirmed": 18, "policy_version": version,
        });
        let reply = anonymous.post("/v1/auth/register", &registration).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        let code = self.code(&email);
        let reply = anonymous
            .post("/v1/auth/verify-email", &json!({ "code": code }))
            .await;
        assert_eq!(reply.status, 204, "{reply:?}");
        let mut customer = self.person(email);
        customer.sign_in().await;
        if self.stack.profile() == Profile::Ocktra {
            // Administrators can do nothing there without a second factor.
            customer.enrol_passkey().await;
        }
        customer
    }

    /// One of the operator's staff, who chose a password with the code from the mail, and signed in with it.
    pub async fn recruit(&self, word: &str, role: &str) -> Customer {
        let email = format!("{}@operator.example", word.to_lowercase());
        let input = json!({ "email": email, "name": word, "role": role });
        self.task_with("staff-invite", input).await;
        let chosen = json!({ "code": self.code(&email), "new_password": PASSWORD });
        let reply = self.anonymous().post("/v1/auth/reset-password", &chosen).await;
        assert_eq!(reply.status, 204, "{reply:?}");
        let mut staff = self.person(email);
        staff.sign_in().await;
        staff
    }

    /// One of the operator's staff, who has signed in with two factors.
    pub async fn staff(&self, word: &str, role: &str) -> Customer {
        let mut staff = self.recruit(word, role).await;
        staff.enrol_passkey().await;
        staff
    }

    /// Who has an account of this address, and is not signed in.
    pub fn person(&self, email: String) -> Customer {
        Customer {
            client: self.anonymous(),
            refresh_token: String::new(),
            email,
            passkey: None,
        }
    }

    /// Sets how sure every session of a user is.
    pub async fn set_level(&self, user: &str, level: &str) {
        let client = self.stack.operator().dynamodb();
        let partition = format!("SESSION#{user}");
        for item in self.items("ephemeral").await {
            let sort = item["sk"].as_str().unwrap();
            if item["pk"] != json!(partition) || !sort.starts_with("session_") {
                continue;
            }
            let update = client.update_item().table_name("trackwell-ephemeral");
            let update = update
                .key("pk", AttributeValue::S(partition.clone()))
                .key("sk", AttributeValue::S(sort.to_owned()))
                .update_expression("SET #level = :level")
                .expression_attribute_names("#level", "level")
                .expression_attribute_values(":level", AttributeValue::S(level.to_owned()));
            update.send().await.unwrap();
        }
    }

    /// Makes a user one whose address is not confirmed.
    pub async fn set_unverified(&self, user: &str) {
        let client = self.stack.operator().dynamodb();
        let update = client.update_item().table_name("trackwell-core");
        let update = update
            .key("pk", AttributeValue::S(format!("USER#{user}")))
            .key("sk", AttributeValue::S("A".to_owned()))
            .update_expression("SET verified = :no")
            .expression_attribute_values(":no", AttributeValue::Bool(false));
        update.send().await.unwrap();
    }

    /// The code in the newest mail to an address.
    pub fn code(&self, email: &str) -> String {
        let mails = self.stack.mails().messages();
        let mail = mails
            .iter()
            .rev()
            .find(|mail| mail.is_for(email))
            .expect("there is a mail");
        let text = mail.text.as_deref().unwrap_or_default();
        let code = text
            .split_whitespace()
            .find(|word| word.starts_with("user_") && word.contains('.'));
        code.expect("the mail has a code").to_owned()
    }

    /// Runs a task with no time to wait in it.
    pub async fn task(&self, name: &str) -> Value {
        self.task_with(name, json!({})).await
    }

    pub async fn task_with(&self, name: &str, input: Value) -> Value {
        let budget = SignedDuration::from_secs(20);
        let done = self.stack.run_task(name, input, budget).await;
        done.unwrap_or_else(|error| panic!("{name}: {error:?}"))
    }

    /// Lets the schedules do their work, with enough time between for what waits.
    pub async fn settle(&self) {
        for _ in 0..4 {
            self.task("retention-plan").await;
            self.task("erasure-purge").await;
            self.task("mail-retry").await;
            self.advance(61);
            self.task("ledger-seal").await;
        }
    }

    /// Stops the next call of `operation` by `function`, says when it has come, and lets it go on when told to.
    pub fn pause_at(&self, function: &'static str, operation: &'static str) -> (Arc<Notify>, Arc<Notify>) {
        let (reached, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (signal, wait, once) = (Arc::clone(&reached), Arc::clone(&go_on), AtomicBool::new(true));
        self.stack.set_fault(move |request| {
            let meant = request.function == function && request.operation == operation;
            if meant && once.swap(false, Ordering::SeqCst) {
                signal.notify_one();
                return Fault::Pause(Arc::clone(&wait));
            }
            Fault::None
        });
        (reached, go_on)
    }

    /// The raw items of a table, read as its operator.
    pub async fn items(&self, table: &str) -> Vec<Value> {
        self.stack.items(table).await.unwrap()
    }

    /// The versions and delete markers of the files bucket.
    pub async fn object_versions(&self) -> usize {
        self.stack.object_versions("files").await.unwrap().len()
    }
}

/// The address of the service that takes the calls to AWS instead of our stand-ins (`infra/second-opinion.sh`).
#[expect(
    clippy::disallowed_methods,
    reason = "nothing reads the environment of tests but this"
)]
pub fn external() -> Option<String> {
    std::env::var("TRACKWELL_AWS").ok()
}
