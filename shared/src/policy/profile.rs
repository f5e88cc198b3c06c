//! The five manifests, embedded in every binary.

use super::error::ManifestErrors;
use super::model::Policy;
use super::words::Profile;

impl Profile {
    /// The manifest's path from the root of the workspace.
    pub const fn file_name(self) -> &'static str {
        self.source().0
    }

    /// Reads the embedded manifest.
    ///
    /// # Errors
    ///
    /// All its inconsistencies, for a program that wants to say so and exit.
    pub fn load(self) -> Result<Policy, ManifestErrors> {
        let (file, text) = self.source();
        Policy::parse(file, text)
    }

    /// The policy of this operator.
    ///
    /// # Panics
    ///
    /// At start-up, if the embedded manifest is broken; a test parses all five, so such a binary is not released.
    pub fn policy(self) -> Policy {
        self.load()
            .expect("an embedded manifest is consistent: the tests parse all five")
    }

    const fn source(self) -> (&'static str, &'static str) {
        match self {
            Self::Ittrackr => (
                "infra/policies/ittrackr.toml",
                include_str!("../../../infra/policies/ittrackr.toml"),
            ),
            Self::Trackr => (
                "infra/policies/trackr.toml",
                include_str!("../../../infra/policies/trackr.toml"),
            ),
            Self::Casetrakr => (
                "infra/policies/casetrakr.toml",
                include_str!("../../../infra/policies/casetrakr.toml"),
            ),
            Self::Ocktra => (
                "infra/policies/ocktra.toml",
                include_str!("../../../infra/policies/ocktra.toml"),
            ),
            Self::Trackado => (
                "infra/policies/trackado.toml",
                include_str!("../../../infra/policies/trackado.toml"),
            ),
        }
    }
}
