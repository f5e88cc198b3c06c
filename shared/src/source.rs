//! Where a request comes from, as far as a person may see it in their own sessions and activity.

use std::net::IpAddr;

use crate::accounts::model::Session;

/// The most characters of a `User-Agent` that are kept.
const MAX_USER_AGENT: usize = 200;

/// Where a request comes from.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// The caller's address.
    pub address: Option<IpAddr>,
    /// What the client calls itself: printable ASCII, cut off.
    pub user_agent: Option<String>,
}

impl Source {
    /// A source whose user agent is what a header said.
    pub fn new(address: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        let printable = |text: &str| -> String {
            let shown = text.chars().filter(|character| matches!(character, ' '..='~'));
            shown.take(MAX_USER_AGENT).collect()
        };
        Self {
            address,
            user_agent: user_agent.map(printable).filter(|text| !text.is_empty()),
        }
    }

    /// As it is sealed with what was done from there.
    pub fn sealed(&self) -> Session {
        Session {
            address: self.address,
            user_agent: self.user_agent.clone(),
        }
    }
}
