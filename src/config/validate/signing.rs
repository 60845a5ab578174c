//! Signed decisions: the rule of each environment, and the files that say whose key is whose.

use super::Checker;
use crate::config::raw::RawRelman;
use crate::domain::policy::{Environment, KeyFiles};
use crate::domain::signature::SignPolicy;

impl Checker {
    pub(super) fn sign_policy(&mut self, keys: &[String], wanted: Option<&str>) -> SignPolicy {
        let Some(word) = wanted else { return SignPolicy::Off };
        self.one_of(keys, word, &SignPolicy::ALL.map(SignPolicy::as_str));
        word.parse().unwrap_or_default()
    }

    /// Where the keys are listed; a rule about signatures that nothing could meet is a mistake.
    pub(super) fn key_files<'a>(
        &mut self,
        raw: &RawRelman,
        environments: impl Iterator<Item = &'a Environment>,
    ) -> Option<KeyFiles> {
        let at = |name: &Option<String>| name.as_ref().map(|name| self.base.join(name));
        let (allowed, revoked) = (at(&raw.allowed_signers), at(&raw.revoked_keys));
        if let Some(allowed) = allowed {
            return Some(KeyFiles { allowed, revoked });
        }
        if revoked.is_some() {
            self.error(keys!["relman", "revoked-keys"], "without allowed-signers nobody's key counts at all");
        }
        for env in environments.filter(|env| env.signing.looks()) {
            let hint =
                "name the file that says whose key is whose: [relman] allowed-signers = \"allowed_signers\"";
            self.hinted(
                keys!["environments", env.name, "signed-approvals"],
                "nobody's signature could be checked: no allowed-signers file is named",
                Some(hint.to_owned()),
            );
        }
        None
    }
}
