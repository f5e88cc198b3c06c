//! What a kill left: every acknowledged record, and of the others everything or nothing.

use std::collections::{HashMap, HashSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::Value;

use super::{Attempt, CLIENTS};
use crate::Result;
use crate::api::{Client, text};

/// What was found.
pub(crate) struct Left {
    /// What there is to say.
    pub(crate) figures: Vec<String>,
    /// What must not be.
    pub(crate) wrong: Vec<String>,
}

impl Left {
    /// Looks at what is left of the attempts, and then finishes them.
    pub(crate) async fn examine(client: &Client, attempts: &[Attempt]) -> Result<Self> {
        let mut found = Self {
            figures: Vec::new(),
            wrong: Vec::new(),
        };
        let listed = list(client).await?;
        let acknowledged: Vec<(&str, &Attempt)> = attempts
            .iter()
            .filter_map(|attempt| Some((attempt.acknowledged.as_deref()?, attempt)))
            .collect();
        let ids: HashSet<&str> = acknowledged.iter().map(|(id, _)| *id).collect();
        for (id, attempt) in &acknowledged {
            if listed.get(*id) != Some(&attempt.tag) {
                found.wrong.push(format!(
                    "{id} ({}) was acknowledged and is not in the list",
                    attempt.tag
                ));
            }
        }
        let landed = listed.keys().filter(|id| !ids.contains(id.as_str())).count();
        found.figures.push(format!(
            "Listed: {} records, {landed} of them never acknowledged",
            listed.len()
        ));
        let expected = listed.iter().map(|(id, tag)| (id.as_str(), tag.as_str())).chain(
            acknowledged
                .iter()
                .map(|(id, attempt)| (*id, attempt.tag.as_str())),
        );
        let records: HashSet<(&str, &str)> = expected.collect();
        let faults: Vec<Option<String>> = stream::iter(&records)
            .map(|(id, tag)| fault(client, id, tag))
            .buffer_unordered(CLIENTS)
            .try_collect()
            .await?;
        let whole = faults.iter().filter(|fault| fault.is_none()).count();
        found.figures.push(format!(
            "Whole: {whole} of {} are readable and have their event",
            records.len()
        ));
        found.wrong.extend(faults.into_iter().flatten());
        found.finish(client, attempts).await?;
        Ok(found)
    }

    /// Sends again what was never acknowledged. A guard or a receipt of a request that was left behind without its
    /// record would refuse it.
    async fn finish(&mut self, client: &Client, attempts: &[Attempt]) -> Result<()> {
        let open: Vec<&Attempt> = attempts
            .iter()
            .filter(|attempt| attempt.acknowledged.is_none())
            .collect();
        for attempt in &open {
            let reply = attempt.send(client).await?;
            if reply.status != 201 {
                let body = String::from_utf8_lossy(&reply.body);
                self.wrong.push(format!(
                    "{} cannot be sent again: {} {body}",
                    attempt.tag, reply.status
                ));
            }
        }
        let listed = list(client).await?;
        let tags: HashSet<&String> = listed.values().collect();
        if tags.len() != attempts.len() || listed.len() != attempts.len() {
            let (tags, all) = (tags.len(), attempts.len());
            self.wrong.push(format!(
                "{} records with {tags} tags came of {all} creates",
                listed.len()
            ));
        }
        let again = open.len();
        self.figures.push(format!(
            "Sent again: {again}; now {} records of {} creates",
            listed.len(),
            attempts.len()
        ));
        Ok(())
    }
}

/// The ids and tags of all assets.
async fn list(client: &Client) -> Result<HashMap<String, String>> {
    let mut found = HashMap::new();
    let mut path = "/v1/records?kind=asset&limit=200".to_owned();
    loop {
        let page = client.get(&path).await?;
        for record in page["data"].as_array().into_iter().flatten() {
            found.insert(text(record, "/id")?, text(record, "/fields/asset_tag")?);
        }
        let Some(cursor) = page["next_cursor"].as_str() else {
            return Ok(found);
        };
        path = format!("/v1/records?kind=asset&limit=200&cursor={cursor}");
    }
}

/// What is wrong with a record, if anything is.
async fn fault(client: &Client, id: &str, tag: &str) -> Result<Option<String>> {
    let record = match client.get(&format!("/v1/records/{id}")).await {
        Ok(record) => record,
        Err(error) => return Ok(Some(format!("{id} ({tag}): {error}"))),
    };
    let events = client.get(&format!("/v1/records/{id}/events")).await?;
    let creations = events["data"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|event| is_creation(event))
        .count();
    if record["fields"]["asset_tag"] == tag && creations == 1 {
        Ok(None)
    } else {
        Ok(Some(format!(
            "{id} ({tag}) has {creations} events of its creation: {record}"
        )))
    }
}

/// How an event of a creation looks.
fn is_creation(event: &Value) -> bool {
    event["action"] == "created" && event["record_version"] == 1
}
