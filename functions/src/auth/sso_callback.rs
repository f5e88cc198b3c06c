//! `GET /v1/auth/sso/callback`

use shared::error::Result;
use shared::sso::flows::COOKIE;
use shared::sso::model::Callback;
use shared::sso::sign_in::{self, Arrival};

use crate::gateway::Answer;
use crate::registry::Call;

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    let (ctx, request) = (&call.ctx, &call.request);
    let text = |name: &str| request.query(name).map(str::to_owned);
    let callback = Callback {
        code: text("code"),
        iss: text("iss"),
        error: text("error"),
    };
    let cookie = request.cookie(COOKIE);
    let arrival = Arrival {
        state: request.query("state"),
        cookie: cookie.as_deref(),
        callback: &callback,
        source: request.source(),
    };
    let arrived = sign_in::arrive(ctx, &arrival).await?;
    let answer = Answer::see_other(arrived.return_to.as_str()).cookie(COOKIE, "", 0);
    Ok(match arrived.session {
        Some(session) => super::carried(answer, &session),
        None => answer,
    })
}
