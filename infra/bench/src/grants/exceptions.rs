//! What is granted although no recorded call needs it. Each entry says why; one that covers nothing is a finding.

use super::judge::{Finding, Kind};

/// A grant that stays.
pub(super) struct Exception {
    /// The function's logical id.
    pub(super) function: &'static str,
    /// The action.
    pub(super) action: &'static str,
    /// The end of the resource's ARN.
    pub(super) on: &'static str,
    /// Why it stays.
    pub(super) reason: &'static str,
}

/// All of them.
pub(super) const EXCEPTIONS: &[Exception] = &[Exception {
    function: "AttachmentsCompleteFunction",
    action: "s3:ListBucket",
    on: "trackwell-files",
    reason: "S3 tells only those who may list the bucket that an upload has not arrived. It looks for the permission \
             without any prefix, so a condition on the prefix would take it away; the names of objects are random ids.",
}];

impl Exception {
    /// Whether it is this that is excepted. Nothing excepts what is used and not granted.
    pub(super) fn covers(&self, finding: &Finding) -> bool {
        matches!(finding.kind, Kind::Unused | Kind::Wide)
            && (self.function, self.action, self.on)
                == (
                    finding.function.as_str(),
                    finding.action.as_str(),
                    finding.on.as_str(),
                )
    }

    /// The finding that the exception itself is when it covers nothing.
    pub(super) fn idle(&self) -> Finding {
        Finding {
            kind: Kind::Exception,
            function: self.function.to_owned(),
            action: self.action.to_owned(),
            on: self.on.to_owned(),
            what: self.reason.to_owned(),
        }
    }
}
