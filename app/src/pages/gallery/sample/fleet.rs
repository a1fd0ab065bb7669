//! Hosts in every status. Their lights are computed as on the server, so that the gallery's words are real.

use backstay_model::lights::{AgentVersion, LightInputs, lights};
use backstay_model::rollback::HostHistory;
use backstay_model::{
    DesiredState, Facts, HostView, Lights, OpAction, OpStatus, OpView, PROTOCOL_VERSION, Phase, Platform,
    TestRun, Trouble, sample,
};
use chrono::TimeDelta;

use super::{VERSION, closed, commit, facts, generation, now, op, rollback_to, running, test_run};

/// The inputs of a host's lights.
pub(in super::super) struct Situation {
    pub(in super::super) agent: Option<AgentVersion<'static>>,
    pub(in super::super) facts: Option<Facts>,
    pub(in super::super) desired: DesiredState,
    pub(in super::super) open_op: Option<OpView>,
    pub(in super::super) last_system_op: Option<OpView>,
}

impl Situation {
    /// A host with nothing to do.
    pub(in super::super) fn healthy() -> Self {
        Self {
            agent: Some(AgentVersion { version: VERSION, protocol: PROTOCOL_VERSION }),
            facts: Some(facts()),
            desired: DesiredState::Known {
                commit: commit(48),
                tree: commit(148),
                lock_hash: Some("l48".into()),
                read_at: now(),
            },
            open_op: None,
            last_system_op: None,
        }
    }

    /// Changes the host's facts.
    pub(in super::super) fn facts(&mut self, change: impl FnOnce(&mut Facts)) {
        if let Some(facts) = &mut self.facts {
            change(facts);
        }
    }

    /// Makes another generation current and running.
    pub(in super::super) fn go_to(&mut self, number: u32) {
        self.facts(|facts| {
            for generation in &mut facts.generations {
                generation.current = generation.number == number;
            }
            facts.running = Some(generation(number, 0).store_path);
        });
    }

    /// The five lights.
    pub(in super::super) fn lights(&self) -> Lights {
        lights(&LightInputs {
            server_version: VERSION,
            agent: self.agent,
            facts: self.facts.as_ref(),
            desired: &self.desired,
            open_op: self.open_op.as_ref(),
            last_system_op: self.last_system_op.as_ref(),
        })
    }

    pub(super) fn host(self, name: &str, platform: Platform) -> HostView {
        let running = self.facts.as_ref().and_then(Facts::running_generation).cloned();
        let lights = self.lights();
        let trouble = self.facts.as_ref().and_then(|facts| {
            let past = HostHistory { runs: &facts.test_runs, ..HostHistory::default() };
            Trouble::of(&lights, facts, &past)
        });
        let runs = self.facts.as_ref().zip(running.as_ref());
        HostView {
            platform,
            online: self.agent.is_some(),
            last_seen: self.agent.map(|_| now()),
            agent_version: self.agent.map(|agent| agent.version.to_owned()),
            lights,
            trouble,
            tests: runs.and_then(|(facts, running)| facts.tests_of(running)).map(TestRun::summary),
            generation: running,
            op: self.open_op.map(|op| OpView { host_name: name.into(), ..op }),
            ..sample::host(name)
        }
    }
}

pub(super) fn changed(change: impl FnOnce(&mut Situation)) -> Situation {
    let mut situation = Situation::healthy();
    change(&mut situation);
    situation
}

/// A host in every status, by name.
pub(in super::super) fn fleet() -> Vec<HostView> {
    let tagged = |tags: &[&str], host: HostView| HostView {
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        ..host
    };
    let failed = changed(|s| s.facts(|facts| facts.test_runs[0] = test_run(48, 3)));
    let behind = changed(|s| {
        s.facts(|facts| {
            if let Some(checkout) = &mut facts.checkout {
                (checkout.commit, checkout.lock_hash) = (commit(47), Some("l47".into()));
            }
        });
    });
    let offline = HostView {
        online: false,
        last_seen: Some(now() - TimeDelta::hours(3)),
        ..Situation::healthy().host("csb1", Platform::Nixos)
    };
    let rolled_back = changed(|s| {
        s.go_to(47);
        s.last_system_op = Some(op(rollback_to(47), OpStatus::Succeeded));
    });
    let rolling_back = changed(|s| s.open_op = Some(running(rollback_to(47), Phase::Activating)));
    let testing =
        changed(|s| s.open_op = Some(running(OpAction::Test, Phase::Testing { done: 3, total: 8 })));
    let unit = changed(|s| {
        s.facts(|facts| facts.failed_units = vec!["display-manager.service".into()]);
        s.last_system_op = Some(closed(OpAction::Switch, OpStatus::Failed, "2 units failed."));
    });
    let never = changed(|s| (s.agent, s.facts) = (None, None));
    vec![
        tagged(&["cloud"], Situation::healthy().host("csb0", Platform::Nixos)),
        tagged(&["cloud"], offline),
        tagged(&["desk", "gaming"], failed.host("gpc0", Platform::Nixos)),
        behind.host("hsb0", Platform::Nixos),
        rolled_back.host("hsb1", Platform::Nixos),
        tagged(&["desk"], rolling_back.host("imac0", Platform::Darwin)),
        testing.host("imac0-maria", Platform::HomeManager),
        unit.host("kiosk-in-the-reading-room-of-the-library-annexe", Platform::Nixos),
        never.host("msww87", Platform::Nixos),
    ]
}
