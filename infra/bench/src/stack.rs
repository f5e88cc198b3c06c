//! The stack that is measured: on this machine, in memory, and with nothing that runs by itself.

use local::{Clocks, Options, Stack, Storage};
use shared::policy::Profile;

use crate::Result;

/// The options of every stack here; the functions are held to their policies.
pub(crate) fn options(profile: Profile, clock: Clocks) -> Options {
    Options {
        profile,
        storage: Storage::Memory,
        clock,
        port: Some(0),
        enforce_policies: true,
        schedules: false,
    }
}

/// Starts one.
pub(crate) async fn start(profile: Profile, clock: Clocks) -> Result<Stack> {
    let started = Stack::start(options(profile, clock)).await;
    started.map_err(|error| error.to_string())
}
