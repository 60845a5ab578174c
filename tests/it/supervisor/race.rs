//! Two people press deploy at the same moment.

use crate::support::env::{FrontEnd, TestEnv};

#[test]
fn of_two_deployments_at_once_exactly_one_starts_and_the_other_names_it() {
    const ROUNDS: i64 = 10;
    let env = TestEnv::deploying("while [ ! -e go.$RELMAN_DEPLOYMENT ]; do sleep 0.05; done");
    for round in 1..=ROUNDS {
        let both = [
            env.front_end(&["deploy", "api@1.0.0", "staging", "--detach"]),
            env.front_end(&["deploy", "api@1.0.0", "staging", "--detach"]),
        ];
        let ended = both.map(FrontEnd::end);

        let codes = {
            let mut codes = [ended[0].code, ended[1].code];
            codes.sort_unstable();
            codes
        };
        assert_eq!(codes, [0, 4], "round {round}: {ended:#?}");
        let loser = ended.iter().find(|said| said.code == 4).unwrap();
        assert!(loser.err.contains(&format!("#{round} ")), "round {round}: {loser:#?}");
        assert!(loser.err.contains(&format!("relman attach {round}")), "round {round}: {loser:#?}");
        env.touch(&format!("go.{round}"));
        env.until_state(round, "succeeded");
    }
    let entries = env.run(&["--json", "audit", "list", "--limit", "1000"]).ok().json();
    let refusals = entries["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| {
            entry["body"]["result"] == "refused" && entry["verb"].as_str().unwrap().contains("started")
        })
        .count();
    assert_eq!(refusals, usize::try_from(ROUNDS).unwrap(), "each refusal is on record");
    env.assert_sound();
}

#[test]
fn two_services_do_not_stand_in_each_others_way() {
    let env = TestEnv::deploying("");
    env.config(
        "[relman]\ndatabase = \"state/relman.db\"\n[environments.staging]\n[process.standard]\nenter = \"build\"\n\
         [services.api]\npipeline = [\"staging\"]\nscripts = { deploy = [\"./deploy.sh\"] }\n\
         [services.web]\npipeline = [\"staging\"]\nscripts = { deploy = [\"./deploy.sh\"] }\n",
    );
    // Each waits until the other runs.
    env.script(
        "deploy.sh",
        "touch up.$RELMAN_SERVICE; while [ ! -e up.api ] || [ ! -e up.web ]; do sleep 0.05; done",
    );
    env.registered("web@1.0.0");
    let (api, web) = (
        env.front_end(&["deploy", "api@1.0.0", "staging"]),
        env.front_end(&["deploy", "web@1.0.0", "staging"]),
    );
    drop(api.end().ok());
    drop(web.end().ok());
}
