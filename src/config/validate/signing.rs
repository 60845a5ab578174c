//! Signed decisions: the rule of each environment and stage, and the files that say whose key is whose.

use std::collections::BTreeMap;

use super::Checker;
use crate::config::raw::RawRelman;
use crate::domain::policy::{Environment, KeyFiles, StageRules};
use crate::domain::release::Stage;
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
        stages: &BTreeMap<Stage, StageRules>,
    ) -> Option<KeyFiles> {
        let at = |name: &Option<String>| name.as_ref().map(|name| self.base.join(name));
        let (allowed, revoked) = (at(&raw.allowed_signers), at(&raw.revoked_keys));
        if let Some(allowed) = allowed {
            return Some(KeyFiles { allowed, revoked });
        }
        if revoked.is_some() {
            self.error(keys!["relman", "revoked-keys"], "without allowed-signers nobody's key counts at all");
        }
        let of_environments = environments.filter(|env| env.signing.looks());
        let of_environments =
            of_environments.map(|env| keys!["environments", env.name, "signed-approvals"].to_vec());
        let of_stages = stages.iter().filter(|(_, rules)| rules.signing.looks());
        let of_stages = of_stages.map(|(stage, _)| keys!["stages", stage, "signed-approvals"].to_vec());
        for keys in of_environments.chain(of_stages) {
            let hint =
                "name the file that says whose key is whose: [relman] allowed-signers = \"allowed_signers\"";
            self.hinted(
                &keys,
                "nobody's signature could be checked: no allowed-signers file is named",
                Some(hint.to_owned()),
            );
        }
        None
    }
}
