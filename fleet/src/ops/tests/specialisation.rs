//! Rollbacks of hosts that run a specialisation.

use backstay_model::rollback::Specialisation;
use backstay_model::wire::message::AgentMessage;
use backstay_model::{OpAction, sample};

use super::Bench;
use crate::ops::request::RequestedRollback;

/// A host that runs the specialisation “gaming” of Gen 48, which Gen 46 has not.
#[tokio::test]
async fn a_rollback_keeps_the_active_specialisation_where_the_target_has_it() {
    let reference = |number| sample::generation(number, 0).reference();
    let named = |name: &str| Specialisation::Named(name.to_owned());
    for (target, asked, activates) in [
        (47, Specialisation::Keep, Some("gaming")),
        (46, Specialisation::Keep, None),
        (47, Specialisation::None, None),
        (47, named("vm"), Some("vm")),
    ] {
        let bench = Bench::new().await;
        let agent = bench.connect(&[]).await;
        let mut facts = sample::facts_of([48, 47, 46].map(|number| sample::generation(number, 0)).into());
        facts.generations[0].current = true;
        facts.running = Some(facts.generations[0].store_path.clone());
        facts.specialisation = Some("gaming".to_owned());
        facts.generations[1].specialisations = vec!["gaming".to_owned(), "vm".to_owned()];
        agent.say(AgentMessage::Facts { facts: Box::new(facts) }).await;
        let rollback = |asked| RequestedRollback {
            target: reference(target),
            seen_current: reference(48),
            specialisation: asked,
            reason: None,
            stop_tests: false,
            give_up_after: None,
        };
        let unknown = bench.fleet.request_rollback(&bench.person, "gpc0", rollback(named("work"))).await;
        let refusal = unknown.unwrap_err().to_string();
        assert!(refusal.contains("no specialisation “work”. Nothing was changed."), "{refusal}");
        let op = bench.fleet.request_rollback(&bench.person, "gpc0", rollback(asked)).await.unwrap();
        let OpAction::Rollback { specialisation, .. } = op.action else { panic!() };
        assert_eq!(specialisation.as_deref(), activates, "Gen {target}");
    }
}
