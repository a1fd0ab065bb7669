//! The entries of the palette: pages, hosts, and ops on hosts.

use backstay_model::OpKind;

use crate::components::op_icon;
use crate::routes::Route;

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its name.
    pub(super) name: String,
    /// Its icon.
    pub(super) icon: &'static str,
    /// Its action.
    pub(super) does: Does,
}

/// The action of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Does {
    /// Opens an address of Backstay.
    Go(String),
    /// Shows the keyboard shortcuts.
    Keys,
    /// Clears the selection of hosts.
    Clear,
    /// Requests an op on a host.
    Ask(String, OpKind),
}

/// The ops that the palette requests. A rollback has its own dialog.
const OPS: [OpKind; 5] = [OpKind::PullSwitch, OpKind::Pull, OpKind::Switch, OpKind::Test, OpKind::Refresh];

/// The pages, by name.
const PAGES: [(&str, Route<'static>); 7] = [
    ("Fleet", Route::Fleet),
    ("Roll out: pull, switch or test several hosts", Route::Rollout { kind: None }),
    ("Deployments", Route::Deployments { before: None }),
    ("Ops", Route::Ops { host: None }),
    ("Audit log", Route::Audit),
    ("Notices", Route::Notices),
    ("About Backstay", Route::About),
];

/// All entries: pages first, then each host with its ops.
pub(super) fn entries(hosts: &[String], offers: impl Fn(OpKind, &str) -> bool) -> Vec<Entry> {
    let pages = PAGES.map(|(name, route)| Entry {
        name: name.to_owned(),
        icon: "details",
        does: Does::Go(route.path()),
    });
    let keys = Entry { name: "Keyboard shortcuts".to_owned(), icon: "details", does: Does::Keys };
    let of_hosts = hosts.iter().flat_map(|host| of_host(host, &offers));
    pages.into_iter().chain([keys]).chain(of_hosts).collect()
}

fn of_host(host: &str, offers: &impl Fn(OpKind, &str) -> bool) -> Vec<Entry> {
    let go = |name: String, icon, path: String| Entry { name, icon, does: Does::Go(path) };
    let mut entries = vec![go(host.to_owned(), "nixos", Route::Host(host).path())];
    if offers(OpKind::Rollback, host) {
        let rollback = format!("{host}: {}", OpKind::Rollback.title());
        entries.push(go(
            rollback,
            op_icon(OpKind::Rollback),
            Route::RollbackHost { host, to: None, from_host: false }.path(),
        ));
    }
    entries.extend(OPS.into_iter().filter(|kind| offers(*kind, host)).map(|kind| Entry {
        name: format!("{host}: {}", kind.title()),
        icon: op_icon(kind),
        does: Does::Ask(host.to_owned(), kind),
    }));
    entries.push(go(format!("{host}: Ops"), "details", Route::Ops { host: Some(host) }.path()));
    entries
}

#[cfg(test)]
mod tests {
    use backstay_model::{Action, Role};

    use super::*;

    #[test]
    fn a_person_is_offered_what_they_may_do() {
        let hosts = ["gpc0".to_owned()];
        let asks = |entries: &[Entry]| entries.iter().filter(|e| matches!(e.does, Does::Ask(..))).count();
        for (role, ops, rolls_back) in
            [(Role::Viewer, 0, false), (Role::Responder, 1, true), (Role::Operator, OPS.len(), true)]
        {
            let entries = entries(&hosts, |kind, _| Action::request(kind).rule().role <= role);
            assert_eq!(asks(&entries), ops, "{role}");
            assert_eq!(entries.iter().any(|e| e.name == "gpc0: Rollback System"), rolls_back, "{role}");
        }
    }
}
