//! The state of the fleet in one line, as every page says it and every tab shows it.

use backstay_model::DeploymentId;
use backstay_model::deployment::Deployment;

use crate::fleet::{Counts, HostStatus};

/// The state of the fleet in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FleetStatus {
    /// Number of failed hosts.
    failed: usize,
    /// The deployment on which a person has to decide.
    pub(crate) undecided: Option<DeploymentId>,
    /// The state in words.
    pub(crate) words: String,
}

impl FleetStatus {
    /// The state of a fleet with these hosts and this newest deployment.
    pub(crate) fn of(counts: &Counts, deployment: Option<&Deployment>) -> Self {
        let undecided = deployment.filter(|deployment| deployment.needs_decision());
        Self {
            failed: counts.of(HostStatus::Failed),
            undecided: undecided.map(|deployment| deployment.id),
            words: undecided.map_or_else(|| hosts(counts), failed_deployment),
        }
    }

    /// The number of failed hosts, if the tab should stand out.
    pub(crate) fn alarm(&self) -> Option<usize> {
        (self.failed > 0 || self.undecided.is_some()).then_some(self.failed)
    }

    /// The title of a page's tab: “(2) ✗ Fleet · Backstay”. A page that has lost its server does not know the
    /// number: “(…) Fleet · Backstay”.
    pub(crate) fn tab_title(&self, page: &str, is_stale: bool) -> String {
        let title = tab_title(page);
        match self.alarm() {
            _ if is_stale => format!("(…) {title}"),
            None => title,
            Some(0) => format!("✗ {title}"),
            Some(failed) => format!("({failed}) ✗ {title}"),
        }
    }
}

/// The title of the tab of a page that says nothing about the fleet.
pub(crate) fn tab_title(page: &str) -> String {
    if page.is_empty() { "Backstay".to_owned() } else { format!("{page} · Backstay") }
}

fn failed_deployment(deployment: &Deployment) -> String {
    let (number, failed) = (deployment.pull_request.number, deployment.failed().count());
    format!("Deployment of #{number} failed on {failed} of {}", deployment.hosts.len())
}

/// “4 hosts · all working”, “4 hosts · 1 failed · 1 offline”.
fn hosts(counts: &Counts) -> String {
    let (failed, offline) = (counts.of(HostStatus::Failed), counts.of(HostStatus::Offline));
    let working = match (counts.all(), failed + offline) {
        (0, _) => return "no hosts yet".to_owned(),
        (1, 0) => " · working",
        (_, 0) => " · all working",
        _ => "",
    };
    let part =
        |count: usize, word: &str| if count > 0 { format!(" · {count} {word}") } else { String::new() };
    [&counts.number(), working, &part(failed, "failed"), &part(offline, "offline")].concat()
}

#[cfg(test)]
mod tests {
    use backstay_model::deployment::{Decision, HostEvent, HostOutcome};
    use backstay_model::{HostId, HostView, Light, OpId, State, sample};

    use super::*;

    fn failed(name: &str) -> HostView {
        let mut host = sample::host(name);
        host.lights.tests =
            Light { state: State::Failed, words: "5 of 8 failed".into(), hint: String::new() };
        host
    }

    fn status(hosts: &[HostView], deployment: Option<&Deployment>) -> FleetStatus {
        let mut counts = Counts::default();
        for host in hosts {
            counts.add(host);
        }
        FleetStatus::of(&counts, deployment)
    }

    fn deployment() -> Deployment {
        let outcome = |name: &str, tests| {
            let mut outcome = HostOutcome::new(HostId::new(), name.into());
            outcome.apply(OpId::new(), HostEvent::SwitchEnded(Ok(())));
            outcome.apply(OpId::new(), HostEvent::TestsEnded(tests));
            outcome
        };
        let hosts = vec![outcome("gpc0", Ok(())), outcome("imac0", Err("x11".into()))];
        Deployment { hosts, ..sample::deployment(42, "abc1234567") }
    }

    #[test]
    fn it_says_how_many_hosts_work() {
        let words = |hosts: &[HostView]| status(hosts, None).words;
        let offline = HostView { online: false, ..sample::host("web") };
        assert_eq!(words(&[]), "no hosts yet");
        assert_eq!(words(&[sample::host("gpc0")]), "1 host · working");
        assert_eq!(words(&[sample::host("gpc0"), sample::host("hsb0")]), "2 hosts · all working");
        assert_eq!(words(&[failed("gpc0"), offline.clone()]), "2 hosts · 1 failed · 1 offline");
        assert_eq!(words(&[sample::host("gpc0"), offline]), "2 hosts · 1 offline");
    }

    #[test]
    fn a_deployment_that_needs_a_decision_comes_first() {
        let open = deployment();
        let status_of = |deployment| status(&[failed("imac0"), sample::host("gpc0")], Some(deployment));
        assert_eq!(status_of(&open).words, "Deployment of #42 failed on 1 of 2");
        assert_eq!(status_of(&open).undecided, Some(open.id));
        let continued = Deployment {
            decision: Decision::Continued { by: "maria".into(), at: open.merged_at },
            ..open.clone()
        };
        assert_eq!(status_of(&continued).words, "2 hosts · 1 failed");
        assert_eq!(status_of(&continued).undecided, None);
    }

    #[test]
    fn the_tab_counts_failed_hosts() {
        let fine = status(&[sample::host("gpc0")], None);
        assert_eq!((fine.tab_title("Fleet", false), fine.alarm()), ("Fleet · Backstay".into(), None));
        assert_eq!(fine.tab_title("", false), "Backstay");
        let two = status(&[failed("gpc0"), failed("hsb0")], None);
        assert_eq!((two.tab_title("Fleet", false), two.alarm()), ("(2) ✗ Fleet · Backstay".into(), Some(2)));
        assert_eq!(two.tab_title("Fleet", true), "(…) Fleet · Backstay");
        let since_mended = status(&[sample::host("imac0")], Some(&deployment()));
        assert_eq!(since_mended.tab_title("Ops", false), "✗ Ops · Backstay");
        assert_eq!(since_mended.alarm(), Some(0));
    }
}
