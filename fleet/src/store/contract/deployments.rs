//! Deployments: one for each merge, filled by ops, decided once.

use backstay_model::deployment::{Decision, Deployment, HostEvent, HostOutcome, PullRequestRef};
use backstay_model::flake_lock::InputChange;
use backstay_model::pull_request::Inputs;
use backstay_model::{Commit, DeploymentId, HostId, OpId};

use super::Bench;
use super::fixture::{at, audited, enrolled, entry, read_while_writing, start};
use crate::store::{NewDeployment, Store};

fn merged(number: u64) -> NewDeployment {
    NewDeployment {
        id: DeploymentId::new(),
        pull_request: PullRequestRef {
            number,
            title: format!("Update “nixpkgs” ({number})"),
            url: format!("https://github.example/pull/{number}"),
        },
        commit: Commit(format!("{number:040}")),
        merged_by: "maria".to_owned(),
        merged_at: start(),
        inputs: Some(Inputs::Known {
            changes: vec![InputChange { name: "nixpkgs".into(), from: None, to: None, compare: None }],
        }),
    }
}

async fn opened(store: &dyn Store, number: u64) -> Deployment {
    store.open_deployment(&merged(number), &entry("pr.merged")).await.unwrap().unwrap()
}

fn reverting() -> Decision {
    Decision::Reverting {
        by: "maria".to_owned(),
        at: at(1),
        before: Box::new(Decision::Open),
        reason: Some("no picture".to_owned()),
    }
}

fn reverted() -> Decision {
    Decision::Reverted {
        by: "maria".to_owned(),
        at: at(2),
        commit: Commit("r".to_owned()),
        reason: Some("no picture".to_owned()),
    }
}

pub(super) async fn a_merge_opens_one_deployment_however_often_it_is_reported(bench: &mut impl Bench) {
    let store = bench.store();
    enrolled(&*store, "hsb0").await;
    enrolled(&*store, "Gpc0").await;
    let new = merged(42);
    let deployment = store.open_deployment(&new, &entry("pr.merged")).await.unwrap().unwrap();
    assert_eq!((deployment.id, &deployment.pull_request), (new.id, &new.pull_request));
    assert_eq!((&deployment.commit, deployment.merged_at), (&new.commit, start()));
    assert_eq!((&deployment.decision, &deployment.inputs), (&Decision::Open, &new.inputs));
    let shown: Vec<_> = deployment.hosts.iter().map(|h| format!("{} {h}", h.name)).collect();
    assert_eq!(shown, ["Gpc0 Not attempted", "hsb0 Not attempted"]);
    let again = NewDeployment { id: DeploymentId::new(), ..new };
    assert_eq!(store.open_deployment(&again, &entry("pr.merged")).await.unwrap(), None);
    assert_eq!(store.deployment(deployment.id).await.unwrap(), Some(deployment.clone()));
    assert_eq!(store.deployment(again.id).await.unwrap(), None);
    assert_eq!(store.deployments(None, 10).await.unwrap(), [deployment]);
    assert_eq!(audited(&*store).await, ["pr.merged"]);
}

pub(super) async fn a_later_merge_supersedes_active_deployments(bench: &mut impl Bench) {
    let store = bench.store();
    let mut ids = vec![];
    for number in 1..=4 {
        let id = opened(&*store, number).await.id;
        if number == 1 {
            store.decide(id, &reverting(), &entry("pr.reverting")).await.unwrap().unwrap();
            store.decide(id, &reverted(), &entry("pr.reverted")).await.unwrap().unwrap();
        }
        ids.push(id);
    }
    let found = store.deployments(None, 10).await.unwrap();
    let decisions: Vec<_> = found.iter().rev().map(|d| d.decision.as_str()).collect();
    assert_eq!(decisions, ["reverted", "superseded", "superseded", "open"]);
    let page = store.deployments(Some(ids[2]), 1).await.unwrap();
    assert_eq!(page.iter().map(|d| d.id).collect::<Vec<_>>(), [ids[1]]);
}

pub(super) async fn the_commits_of_reverted_deployments_are_known(bench: &mut impl Bench) {
    let store = bench.store();
    assert_eq!(store.reverted_commits().await.unwrap(), []);
    let first = opened(&*store, 1).await;
    store.decide(first.id, &reverting(), &entry("pr.reverting")).await.unwrap().unwrap();
    assert_eq!(
        store.reverted_commits().await.unwrap(),
        std::slice::from_ref(&first.commit),
        "from the decision to revert"
    );
    store.decide(first.id, &reverted(), &entry("pr.reverted")).await.unwrap().unwrap();
    let second = opened(&*store, 2).await;
    assert_eq!(store.reverted_commits().await.unwrap(), std::slice::from_ref(&first.commit));
    store.decide(second.id, &reverting(), &entry("pr.reverting")).await.unwrap().unwrap();
    assert_eq!(store.reverted_commits().await.unwrap(), [second.commit, first.commit]);
}

pub(super) async fn ops_fill_a_deployment_host_by_host(bench: &mut impl Bench) {
    let store = bench.store();
    let gpc0 = enrolled(&*store, "gpc0").await.id;
    let id = opened(&*store, 42).await.id;
    let late = HostId::new();
    let op = OpId::new();
    let hear = async |host, name: &str, heard: HostEvent| {
        store.apply_host_event(id, host, name, op, &heard).await.unwrap()
    };
    assert!(hear(gpc0, "gpc0", HostEvent::SwitchEnded(Ok(()))).await.is_some());
    assert!(
        hear(gpc0, "gpc0", HostEvent::SwitchEnded(Ok(()))).await.is_none(),
        "a repeated report changes nothing"
    );
    assert!(hear(gpc0, "gpc0", HostEvent::TestsEnded(Err("x11".into()))).await.unwrap().is_failed());
    assert!(hear(late, "csb0", HostEvent::SwitchStarted).await.is_some(), "a host that joined later");
    let on_late = store.deployment_on(late, None).await.unwrap().unwrap();
    assert_eq!((on_late.id, on_late.hosts.len(), on_late.hosts[0].host), (id, 1, late));
    assert_eq!(store.deployment_on(HostId::new(), Some(id)).await.unwrap().unwrap().hosts, []);
    let deployment = store.deployment(id).await.unwrap().unwrap();
    let shown: Vec<_> = deployment.hosts.iter().map(|h| format!("{} {h}", h.name)).collect();
    assert_eq!(shown, ["csb0 Switching", "gpc0 Switch OK, Tests FAIL (x11)"]);
    opened(&*store, 43).await;
    assert!(hear(gpc0, "gpc0", HostEvent::SwitchStarted).await.is_none(), "it is over");
}

pub(super) async fn a_deployment_is_decided_once(bench: &mut impl Bench) {
    let store = bench.store();
    let id = opened(&*store, 42).await.id;
    let other = bench.another().await;
    let tasks: Vec<_> = (0..6)
        .map(|i| {
            let store = if i % 2 == 0 { store.clone() } else { other.clone() };
            tokio::spawn(async move {
                store.decide(id, &reverting(), &entry("pr.reverting")).await.unwrap().is_some()
            })
        })
        .collect();
    let mut taken = 0;
    for task in tasks {
        taken += u32::from(task.await.unwrap());
    }
    assert_eq!(taken, 1, "one of many simultaneous clicks counts");
    let continued = Decision::Continued { by: "otto".to_owned(), at: at(3) };
    assert_eq!(store.decide(id, &continued, &entry("pr.continued")).await.unwrap(), None);
    let failed = async |id| store.revert_failed(id, &entry("pr.revert-failed")).await.unwrap();
    assert_eq!(failed(id).await.unwrap().decision, Decision::Open);
    assert_eq!(failed(id).await, None, "no revert is being made");
    store.decide(id, &continued, &entry("pr.continued")).await.unwrap().unwrap();
    store.decide(id, &reverting(), &entry("pr.reverting")).await.unwrap().unwrap();
    assert_eq!(
        store.decide(id, &reverted(), &entry("pr.reverted")).await.unwrap().unwrap().decision,
        reverted()
    );
    assert_eq!(store.decide(id, &reverting(), &entry("pr.reverting")).await.unwrap(), None);
    assert_eq!(store.decide(DeploymentId::new(), &reverting(), &entry("pr.reverting")).await.unwrap(), None);
    let entries = audited(&*store).await;
    assert_eq!(
        entries,
        ["pr.merged", "pr.reverting", "pr.revert-failed", "pr.continued", "pr.reverting", "pr.reverted"]
    );
}

pub(super) async fn a_failed_revert_restores_the_decision_before_it(bench: &mut impl Bench) {
    let store = bench.store();
    let id = opened(&*store, 42).await.id;
    let by = || "otto".to_owned();
    let pull_request = PullRequestRef { number: 57, title: "Revert PR #42".into(), url: "u".into() };
    let failed = async || {
        store.decide(id, &reverting(), &entry("pr.reverting")).await.unwrap().unwrap();
        store.revert_failed(id, &entry("pr.revert-failed")).await.unwrap().unwrap().decision
    };
    assert_eq!(failed().await, Decision::Open);
    let continued = Decision::Continued { by: by(), at: at(3) };
    store.decide(id, &continued, &entry("pr.continued")).await.unwrap().unwrap();
    assert_eq!(failed().await, continued);
    store.decide(id, &reverting(), &entry("pr.reverting")).await.unwrap().unwrap();
    let proposed = Decision::Proposed { by: by(), at: at(4), pull_request, reason: None };
    store.decide(id, &proposed, &entry("pr.revert-proposed")).await.unwrap().unwrap();
    assert_eq!(failed().await, proposed);
    store.decide(id, &reverting(), &entry("pr.reverting")).await.unwrap().unwrap();
    opened(&*store, 43).await;
    assert_eq!(store.deployment(id).await.unwrap().unwrap().decision.as_str(), "reverting");
    let decision = store.revert_failed(id, &entry("pr.revert-failed")).await.unwrap().unwrap().decision;
    assert_eq!(decision, Decision::Superseded, "a later pull request was merged since");
}

pub(super) async fn revert_candidates_are_recorded_once(bench: &mut impl Bench) {
    let store = bench.store();
    let id = opened(&*store, 42).await.id;
    assert_eq!(store.revert_candidates(id).await.unwrap(), []);
    let commits = ["a", "b"].map(|sha| Commit(sha.to_owned()));
    for commit in [&commits[1], &commits[0], &commits[1]] {
        store.remember_revert(id, commit).await.unwrap();
    }
    assert_eq!(store.revert_candidates(id).await.unwrap(), commits);
}

pub(super) async fn a_deployment_is_read_at_one_moment(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let id = opened(&*store, 42).await.id;
    let write = |number: u32| {
        let outcome = serde_json::to_string(&HostOutcome::new(host, number.to_string())).unwrap();
        format!(
            "UPDATE deployments SET pr_title = '{number}'; UPDATE deployment_hosts SET outcome = '{outcome}';"
        )
    };
    bench.run(&write(0)).await.unwrap();
    let is_whole =
        |read: &Deployment| read.hosts.iter().all(|outcome| outcome.name == read.pull_request.title);
    read_while_writing(bench, write, async || {
        let listed = store.deployments(None, 10).await.unwrap();
        let alone = store.deployment(id).await.unwrap();
        !listed[0].hosts.is_empty() && listed.iter().chain(&alone).all(is_whole)
    })
    .await;
}
