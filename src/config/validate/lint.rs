//! What is sound by itself and still cannot be meant: rules nobody can meet, freezes that close nothing.

use super::Checker;
use crate::domain::chain;
use crate::domain::delivery::Delivery;
use crate::domain::ids::{EnvName, ServiceName};
use crate::domain::policy::{Member, Policy, Service};
use crate::domain::right::{Place, Right};

impl Checker {
    pub(super) fn lint(&mut self, policy: &Policy) {
        self.rules_nobody_meets(policy);
        self.deliveries_that_wait(policy);
        self.freezes_without_effect(policy);
        self.circles(policy);
        self.trains_without_passengers(policy);
        self.rights_nobody_has(policy);
        self.control_without_effect(policy);
    }

    /// Change control is in force where service, environment and `[change]` all say so: anything less looks like a
    /// protection and is none.
    fn control_without_effect(&mut self, policy: &Policy) {
        let services: Vec<&Service> =
            policy.services.values().filter(|service| service.change_controlled).collect();
        let environments: Vec<&EnvName> =
            policy.environments.values().filter(|env| env.change_controlled).map(|env| &env.name).collect();
        let own = |section: &str, name: &str| keys![section, name, "change-controlled"].to_vec();
        let mut found = Vec::new();
        for service in &services {
            if !environments.iter().any(|env| service.pipeline.contains(env)) {
                let why = format!("no environment that {} goes to is change-controlled", service.name);
                found.push((own("services", service.name.as_str()), why));
            }
        }
        for env in &environments {
            if !services.iter().any(|service| service.pipeline.contains(env)) {
                let why = format!("no service that goes to {env} is change-controlled");
                found.push((own("environments", env.as_str()), why));
            }
        }
        let is_used = !services.is_empty() && !environments.is_empty();
        if policy.change.is_none() && is_used {
            let why = "there is no [change]: nobody could be asked about a change ticket";
            self.error(&own("services", services[0].name.as_str()), why);
        }
        if policy.change.is_some() && !is_used {
            found.push((
                keys!["change"].to_vec(),
                "nothing is change-controlled: it is never asked".to_owned(),
            ));
        }
        for (keys, why) in found {
            self.warning(&keys, why);
        }
    }

    /// A train that nobody can take, or whose conductor may not go there.
    fn trains_without_passengers(&mut self, policy: &Policy) {
        let mut found = Vec::new();
        for train in policy.trains.values() {
            let takes = |service: &&Service| {
                train.takes(&service.name) && service.pipeline.leads(&train.from, &train.to)
            };
            if !policy.services.values().any(|service| takes(&service)) {
                let why = format!("no service it takes goes from {} to {}", train.from, train.to);
                found.push((keys!["trains", train.name].to_vec(), why));
            }
            if !may_conduct(policy, &train.conductor, Place::environment(&train.to)) {
                let why = format!(
                    "{} may not deploy to {}: nobody could take this train",
                    train.conductor, train.to
                );
                found.push((keys!["trains", train.name, "conductor"].to_vec(), why));
            }
        }
        for service in policy.services.values() {
            let unable = |one: &&Delivery| {
                !may_conduct(policy, &one.conductor, Place::both(&service.name, &one.environment))
            };
            for delivery in service.deliveries.values().filter(unable) {
                let env = &delivery.environment;
                let keys = keys!["services", service.name, "deliver", env, "conductor"].to_vec();
                found.push((
                    keys,
                    format!("{} may not deploy to {env}: nothing would go there", delivery.conductor),
                ));
            }
        }
        for (keys, why) in found {
            self.warning(&keys, why);
        }
    }

    /// Services that wait for each other.
    fn circles(&mut self, policy: &Policy) {
        let before = |name: &ServiceName| {
            policy.services.get(name).map(|service| service.depends_on.clone()).unwrap_or_default()
        };
        let all: Vec<ServiceName> = policy.services.keys().cloned().collect();
        if let Err(circle) = chain::order(&all, before) {
            let names: Vec<String> = circle.iter().map(ToString::to_string).collect();
            let keys = keys!["services", names.first().cloned().unwrap_or_default(), "depends-on"].to_vec();
            self.error(&keys, format!("these services wait for each other: {}", names.join(" → ")));
        }
    }

    /// A pattern that fits nothing protects nothing.
    fn freezes_without_effect(&mut self, policy: &Policy) {
        let mut found = Vec::new();
        for (index, freeze) in policy.freezes.iter().enumerate() {
            if let Some(why) = policy.misfit(&freeze.scope) {
                found.push((keys!["freezes", index].to_vec(), format!("\"{}\": {why}", freeze.name)));
            }
        }
        for (keys, why) in found {
            self.warning(&keys, why);
        }
    }
}

/// Whether that person may deploy there, as far as the file alone tells.
fn may_conduct(policy: &Policy, conductor: &str, place: Place<'_>) -> bool {
    let ruling = policy.ruling(Right::Deploy, place);
    let named = |group: &String| {
        let members = policy.groups.get(group);
        members.is_some_and(|members| members.contains(&Member::User(conductor.to_owned())))
    };
    let member_of = |group: &String| {
        policy.groups.get(group).is_some_and(|members| {
            members.iter().any(|member| match member {
                Member::User(name) => *name == conductor,
                Member::Everyone | Member::UnixGroup(_) => true,
            })
        })
    };
    ruling.grants.iter().all(|grant| {
        let is_given =
            grant.groups.is_empty() && !grant.except.is_empty() || grant.groups.iter().any(member_of);
        is_given && !grant.except.iter().any(named)
    })
}
