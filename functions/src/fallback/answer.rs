//! Every method and path that is not a route's: 404, or 405 with the methods that the path has.

use shared::error::{Error, Result};

use crate::gateway::Answer;
use crate::registry::{Call, DESCRIBED};

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    let allowed: Vec<_> = DESCRIBED
        .iter()
        .filter(|route| route.method != "ANY" && fits(route.path, &call.request.path))
        .map(|route| route.method)
        .collect();
    // A path that fits and came here with an allowed method is none after all: it is not text when it is decoded.
    Err(
        if allowed.is_empty() || allowed.contains(&call.request.method.as_str()) {
            Error::NotFound
        } else {
            Error::MethodNotAllowed(allowed)
        },
    )
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template
            .iter()
            .zip(&path)
            .all(|(part, given)| part == given || part.starts_with('{') && !given.is_empty())
}
