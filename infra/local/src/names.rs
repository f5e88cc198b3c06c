//! A name server that stands in for the domain name system: it knows the records that it is told, and that no other name
//! exists.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, TXT};
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use serde::Deserialize;
use tokio::net::UdpSocket;

/// The largest question that is read, in bytes.
const MAX_QUESTION: usize = 4_096;

/// The records of a name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Records {
    /// The texts of its TXT records.
    #[serde(default)]
    pub txt: Vec<String>,
    /// Its addresses, for A and AAAA records.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
}

#[derive(Default)]
struct Zone {
    records: HashMap<String, Records>,
    asked: HashMap<String, u64>,
}

/// The names that exist; clones are handles to the same ones.
#[derive(Clone, Default)]
pub struct Names(Arc<Mutex<Zone>>);

impl Names {
    fn zone(&self) -> MutexGuard<'_, Zone> {
        // Nothing panics while it holds the lock, so the zone is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a name these records in place of those that it has. A name without records does not exist.
    pub fn set(&self, name: &str, records: Records) {
        let exists = !records.txt.is_empty() || !records.addresses.is_empty();
        let name = spelled(name);
        if exists {
            self.zone().records.insert(name, records);
        } else {
            self.zone().records.remove(&name);
        }
    }

    /// How many questions about a name were answered.
    pub fn asked(&self, name: &str) -> u64 {
        self.zone().asked.get(&spelled(name)).copied().unwrap_or(0)
    }

    /// Answers until it is dropped. What is no question gets no answer.
    pub async fn serve(self, socket: UdpSocket) {
        let mut buffer = [0; MAX_QUESTION];
        loop {
            let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
                continue;
            };
            let answer = Message::from_vec(&buffer[..length]).ok();
            let answer = answer.and_then(|question| self.answer(&question).to_vec().ok());
            if let Some(answer) = answer
                && let Err(error) = socket.send_to(&answer, from).await
            {
                tracing::debug!(%error, "an answer about a name was not sent");
            }
        }
    }

    fn answer(&self, question: &Message) -> Message {
        let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
        answer.metadata.recursion_desired = question.metadata.recursion_desired;
        answer.metadata.recursion_available = true;
        answer.metadata.authoritative = true;
        let mut zone = self.zone();
        for query in &question.queries {
            answer.add_query(query.clone());
            let name = spelled(&query.name().to_ascii());
            let Some(records) = zone.records.get(&name) else {
                answer.metadata.response_code = ResponseCode::NXDomain;
                continue;
            };
            let data = records.of(query.query_type()).into_iter();
            answer.add_answers(data.map(|data| Record::from_rdata(query.name().clone(), 0, data)));
            *zone.asked.entry(name).or_default() += 1;
        }
        answer
    }
}

impl Records {
    fn of(&self, kind: RecordType) -> Vec<RData> {
        let addresses = self.addresses.iter();
        match kind {
            RecordType::TXT => self.txt.iter().map(|text| RData::TXT(in_pieces(text))).collect(),
            RecordType::A => addresses
                .filter_map(|address| match address {
                    IpAddr::V4(address) => Some(RData::A(A(*address))),
                    IpAddr::V6(_) => None,
                })
                .collect(),
            RecordType::AAAA => addresses
                .filter_map(|address| match address {
                    IpAddr::V6(address) => Some(RData::AAAA(AAAA(*address))),
                    IpAddr::V4(_) => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// A character string has at most 255 bytes (RFC 1035 §3.3).
fn in_pieces(text: &str) -> TXT {
    TXT::from_bytes(text.as_bytes().chunks(255).collect())
}

fn spelled(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}
