//! Reads `[services.*.channels.*]`.

use std::collections::BTreeMap;

use super::Checker;
use crate::config::raw::RawChannel;
use crate::domain::channel::{Channel, Tag};
use crate::domain::pipeline::Pipeline;

/// So many fields a service has at most (as Octopus).
const MOST: usize = 10;

impl Checker {
    /// The names of what its releases say besides.
    pub(super) fn fields(&mut self, service: &str, names: &[String]) {
        for (index, name) in names.iter().enumerate() {
            let own = keys!["services", service, "fields", index];
            let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.len() <= 30
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
            if !is_plain {
                self.error(
                    own,
                    "a field's name is small letters, digits and -, at most 30: ticket, data-class",
                );
            } else if names[..index].contains(name) {
                self.error(own, format!("{name} stands there twice"));
            }
        }
        if names.len() > MOST {
            self.error(keys!["services", service, "fields"], "ten fields at most: more nobody fills in");
        }
    }

    pub(super) fn channels(
        &mut self,
        service: &str,
        whole: Option<&Pipeline>,
        (fields, raw): (&[String], BTreeMap<String, RawChannel>),
    ) -> Vec<Channel> {
        let mut channels: Vec<Channel> = Vec::new();
        for (name, raw) in raw {
            let own = keys!["services", service, "channels", name].to_vec();
            let at = |key: &str| [&own[..], keys![key]].concat();
            if name.is_empty() || name.len() > 40 || !name.chars().all(|c| c.is_ascii_graphic()) {
                self.error(&own, "a channel's name is one word of at most 40 letters, such as stable");
            }
            let versions = raw.versions.as_ref().and_then(|range| {
                let parsed = range.parse::<semver::VersionReq>();
                parsed
                    .map_err(|why| {
                        let hint = Some("write it as Cargo does: \">=1.2, <3\", \"^2\", \"~1.4\"".to_owned());
                        self.hinted(&at("versions"), format!("that is no range of versions: {why}"), hint);
                    })
                    .ok()
            });
            let tag = match raw.pre_release.as_deref() {
                None | Some("any") => Tag::Any,
                Some("none") => Tag::None,
                Some(pattern) => Tag::Like(pattern.to_owned()),
            };
            let pipeline = match raw.pipeline.is_empty() {
                true => None,
                false => self.phases(&at("pipeline"), &raw.pipeline),
            };
            let strangers: Vec<String> = match (&pipeline, whole) {
                (Some(own), Some(whole)) => {
                    own.iter().filter(|env| !whole.contains(env)).map(ToString::to_string).collect()
                }
                _ => Vec::new(),
            };
            for env in strangers {
                self.error(
                    &at("pipeline"),
                    format!("{env} is not in the pipeline of {service}: a channel leads a part of the way"),
                );
            }
            for (index, field) in raw.fields.iter().enumerate() {
                let known: Vec<&str> = fields.iter().map(String::as_str).collect();
                self.one_of(&[&at("fields")[..], keys![index]].concat(), field, &known);
            }
            if raw.default && channels.iter().any(|other| other.default) {
                self.error(&at("default"), format!("one channel of {service} is the default, not several"));
            }
            channels.push(Channel {
                name,
                versions,
                tag,
                pipeline,
                fields: raw.fields,
                default: raw.default,
            });
        }
        channels
    }
}
