use std::sync::Barrier;
use std::thread;

use backstay_model::sample::host;

use super::*;

fn start(hosts: Vec<HostView>, last_event: u64) -> Start {
    Start {
        person: Person::new("admin", backstay_model::Role::Viewer),
        view: PersonView::default(),
        saved_views: String::new(),
        address: Address { origin: "https://backstay.test".into(), is_configured: true },
        snapshot: FleetSnapshot {
            hosts,
            pull_requests: PullRequests::default(),
            deployment: None,
            rollout: None,
            last_event,
            newest_notices: vec![],
            server_version: "0.1.0".into(),
        },
    }
}

fn live(hosts: Vec<HostView>) -> Live {
    let live = Live::new();
    live.begin(start(hosts, 7));
    live
}

fn notice(tone: Tone, text: String) -> Notice {
    Notice::new("2026-01-01T00:00:00Z".parse().unwrap(), tone, text)
}

fn names(live: Live) -> Vec<String> {
    live.rows().with_untracked(|rows| rows.iter().map(|r| r.name.clone()).collect())
}

#[test]
fn a_host_keeps_its_signal_and_a_new_one_finds_its_place() {
    Owner::new().with(|| {
        let gpc0 = host("gpc0");
        let live = live(vec![gpc0.clone(), host("imac0")]);
        let signal = live.host("GPC0").unwrap();
        live.apply(8, &Event::Host { host: Box::new(HostView { online: false, ..gpc0.clone() }) });
        live.apply(9, &Event::Host { host: Box::new(host("hsb0")) });
        assert!(!signal.get_untracked().online);
        assert_eq!(names(live), ["gpc0", "hsb0", "imac0"]);
        live.apply(10, &Event::HostRemoved { id: gpc0.id });
        assert_eq!(names(live), ["hsb0", "imac0"]);
        assert_eq!(live.last_event(), 10);
    });
}

#[test]
fn a_new_host_stands_where_a_reload_puts_it() {
    Owner::new().with(|| {
        let (backup, web, apple) = (host("Backup"), host("web"), host("apple"));
        let open = live(vec![backup.clone(), web.clone()]);
        open.apply(8, &Event::Host { host: Box::new(apple.clone()) });
        let mut reloaded = [backup, web, apple];
        reloaded.sort_by(|one, other| cmp_host_names(&one.name, &other.name));
        assert_eq!(names(open), reloaded.map(|host| host.name));
        assert_eq!(names(open), ["apple", "Backup", "web"]);
    });
}

#[test]
fn counts_over_all_hosts_follow_them() {
    Owner::new().with(|| {
        let gpc0 = host("gpc0");
        let live = live(vec![gpc0.clone(), host("imac0")]);
        let online = || {
            let mut count = 0;
            live.each_host(|host| count += usize::from(host.online));
            (count, live.changes().get_untracked())
        };
        assert_eq!(online(), (2, 0));
        let off = || Event::Host { host: Box::new(HostView { online: false, ..gpc0.clone() }) };
        live.apply_all(&[(8, Event::HostRemoved { id: HostId::new() }), (9, off())]);
        assert_eq!(online(), (1, 1));
        live.apply_all(&[(9, Event::Host { host: Box::new(gpc0.clone()) })]);
        assert_eq!(online().0, 1, "known events are ignored");
        assert_eq!(live.last_event(), 9);
    });
}

#[test]
fn a_page_begins_once() {
    Owner::new().with(|| {
        let live = live(vec![host("gpc0")]);
        live.apply(8, &Event::Host { host: Box::new(host("hsb0")) });
        live.begin(start(vec![], 7));
        assert_eq!(names(live), ["gpc0", "hsb0"]);
        assert_eq!(live.last_event(), 8);
    });
}

/// Mirrors the parts of a page that the server renders concurrently.
#[test]
fn parts_that_start_concurrently_do_not_disturb_each_other() {
    let hosts = || (10..60).map(|number| host(&format!("host{number}"))).collect::<Vec<_>>();
    for _ in 0..100 {
        let owner = Owner::new();
        let (live, gate) = (owner.with(Live::new), Barrier::new(4));
        let part = || {
            gate.wait();
            live.begin(start(hosts(), 7));
            live.listen(|_| ());
            assert_eq!((names(live).len(), live.person().is_some()), (50, true));
        };
        thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(|| owner.with(part)))));
    }
}

#[test]
fn after_a_gap_the_state_is_as_reloaded() {
    Owner::new().with(|| {
        let (gpc0, imac0) = (host("gpc0"), host("imac0"));
        let live = live(vec![gpc0.clone(), host("hsb0")]);
        live.reset(start(vec![HostView { online: false, ..gpc0 }, imac0], 90));
        assert_eq!(names(live), ["gpc0", "imac0"]);
        assert!(!live.host("gpc0").unwrap().get_untracked().online);
        assert_eq!(live.last_event(), 90);
    });
}

#[test]
fn a_page_that_is_older_than_the_server_says_so() {
    Owner::new().with(|| {
        let live = live(vec![]);
        live.reset(start(vec![], 90));
        assert!(!live.outdated().get_untracked());
        let mut newer = start(vec![], 91);
        newer.snapshot.server_version = "0.2.0".into();
        live.reset(newer);
        assert!(live.outdated().get_untracked());
    });
}

#[test]
fn notices_are_counted_until_they_are_read() {
    Owner::new().with(|| {
        let live = live(vec![]);
        for number in 0..9 {
            live.apply(
                8 + number,
                &Event::Notice(notice(Tone::Good, format!("Rolled back to Gen {number}"))),
            );
        }
        assert_eq!(live.unread_notices(), 0, "unknown until the storage is read");
        live.read_notice().set(Some(14));
        assert_eq!(live.unread_notices(), 2);
    });
}

#[test]
fn bad_news_of_a_deployment_leaves_once_somebody_decides() {
    use backstay_model::deployment::{Decision, HostEvent, HostOutcome};

    Owner::new().with(|| {
        let live = live(vec![]);
        let mut deployment = backstay_model::sample::deployment(42, "c");
        let mut outcome = HostOutcome::new(HostId::new(), "imac0".into());
        outcome.apply(backstay_model::OpId::new(), HostEvent::SwitchEnded(Err("x11".into())));
        deployment.hosts.push(outcome);
        let tell = |id, deployment: &Deployment| {
            live.apply(id, &Event::Deployment { deployment: Box::new(deployment.clone()) });
            live.notices().with_untracked(Vec::len)
        };
        live.apply(8, &Event::Notice(notice(Tone::Bad, "imac0 failed its tests".into())));
        assert_eq!(tell(9, &deployment), 1);
        deployment.decision = Decision::Continued { by: "maria".into(), at: deployment.merged_at };
        assert_eq!(tell(10, &deployment), 0);
    });
}
