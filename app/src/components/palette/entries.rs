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

/// A host, as far as its entries depend on it.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) name: String,
    /// See [`HostView::observed`](backstay_model::HostView::observed).
    pub(super) observed: bool,
}

/// All entries: pages first, then each host with its ops.
pub(super) fn entries(hosts: &[Named], may_operate: bool) -> Vec<Entry> {
    let pages = PAGES.map(|(name, route)| Entry {
        name: name.to_owned(),
        icon: "details",
        does: Does::Go(route.path()),
    });
    let keys = Entry { name: "Keyboard shortcuts".to_owned(), icon: "details", does: Does::Keys };
    let of_hosts = hosts.iter().flat_map(|host| of_host(host, may_operate));
    pages.into_iter().chain([keys]).chain(of_hosts).collect()
}

fn of_host(Named { name: host, observed }: &Named, may_operate: bool) -> Vec<Entry> {
    let go = |name: String, icon, path: String| Entry { name, icon, does: Does::Go(path) };
    let mut entries = vec![go(host.clone(), "nixos", Route::Host(host).path())];
    if may_operate {
        let rollback = format!("{host}: {}", OpKind::Rollback.title());
        entries.push(go(
            rollback,
            op_icon(OpKind::Rollback),
            Route::RollbackHost { host, to: None, from_host: false }.path(),
        ));
        let offered = OPS.into_iter().filter(|kind| !(*observed && kind.deploys()));
        entries.extend(offered.map(|kind| Entry {
            name: format!("{host}: {}", kind.title()),
            icon: op_icon(kind),
            does: Does::Ask(host.clone(), kind),
        }));
    }
    entries.push(go(format!("{host}: Ops"), "details", Route::Ops { host: Some(host) }.path()));
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(observed: bool) -> Named {
        Named { name: "gpc0".to_owned(), observed }
    }

    #[test]
    fn what_deploys_is_not_offered_where_something_else_does() {
        let entries = entries(&[named(true)], true);
        let asked: Vec<_> = entries.iter().filter(|entry| matches!(entry.does, Does::Ask(..))).collect();
        assert_eq!(
            asked.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(),
            ["gpc0: Run Tests", "gpc0: Refresh"]
        );
    }

    #[test]
    fn viewers_are_offered_no_ops() {
        let hosts = [named(false)];
        let asks = |entries: &[Entry]| entries.iter().filter(|e| matches!(e.does, Does::Ask(..))).count();
        let names = |may| entries(&hosts, may).into_iter().map(|e| e.name).collect::<Vec<_>>();
        assert_eq!(asks(&entries(&hosts, true)), OPS.len());
        assert_eq!(asks(&entries(&hosts, false)), 0);
        assert!(names(true).contains(&"gpc0: Rollback System".to_owned()));
        assert!(!names(false).contains(&"gpc0: Rollback System".to_owned()));
    }
}
