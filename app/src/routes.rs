//! The addresses of the pages and dialogs: [`Route`] writes each of them, and [`page`] says which page an
//! address shows. `app.rs` has the components that answer.

use std::fmt;

use backstay_model::{DeploymentId, OpId, OpKind, RolloutId};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

/// Part of the address of a dialog that lies over its subject's own page instead of the fleet page.
const HERE: &str = "here";

/// Query parameter of the page that shows what a plain form has begun.
pub(crate) const BEGUN: &str = "begun";

/// The address of the page that shows what a plain form has begun.
#[cfg(feature = "ssr")]
pub(crate) fn begun(place: Route<'_>) -> String {
    let path = place.path();
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}{BEGUN}")
}

/// The path of the log-in page.
pub(crate) const LOG_IN: &str = "/login";

/// Query parameter of the log-in page that asks for the code.
pub(crate) const CODE: &str = "code";

/// The address of the log-in page that asks for the code, and leads on to `next`.
#[cfg(feature = "ssr")]
pub(crate) fn log_in_code(next: &str) -> String {
    format!("{}&{CODE}=1", Route::LogIn { next: Some(next) })
}

/// A page or a dialog, with what its address says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// The log-in page, which leads on to `next`.
    LogIn { next: Option<&'a str> },
    /// All hosts.
    Fleet,
    /// Dialog: how a host is added.
    AddHost,
    /// Dialog: roll out an op to several hosts.
    Rollout { kind: Option<OpKind> },
    /// Dialog: roll back several hosts.
    RollbackMany,
    /// Dialog: roll back one host, with the generation `to` preselected.
    RollbackHost { host: &'a str, to: Option<u32>, from_host: bool },
    /// Dialog: merge a pull request.
    Merge(u64),
    /// Dialog: revert the pull request of a deployment.
    Revert { deployment: DeploymentId, from_deployment: bool },
    /// Dialog: roll back the failed hosts of a deployment.
    RollbackFailed { deployment: DeploymentId, from_deployment: bool },
    /// Compares two generations of a host.
    Compare { host: &'a str, from: u32, to: u32 },
    /// Compares what two hosts run; without the second, offers the hosts.
    CompareHosts(&'a str, &'a str),
    /// Marks a generation of a host.
    #[cfg(feature = "ssr")]
    Pin(&'a str, u32),
    /// One host.
    Host(&'a str),
    /// The deployments older than `before`, or the newest.
    Deployments { before: Option<DeploymentId> },
    /// One deployment.
    Deployment(DeploymentId),
    /// One roll-out.
    OneRollout(RolloutId),
    /// The ops of one host, or of all.
    Ops { host: Option<&'a str> },
    /// One op.
    Op(OpId),
    /// The audit log.
    Audit,
    /// The newest notices.
    Notices,
    /// Versions of the server and the agents.
    About,
    /// The people who can log in, for administrators.
    #[cfg(feature = "ssr")]
    People,
    /// The account of the person who is logged in.
    Account,
    /// The page on which a person proves again who they are, before it leads back to `next`.
    #[cfg(feature = "ssr")]
    Confirm { next: &'a str },
    /// The page on which an invited person chooses a password. The server writes it beside the app.
    #[cfg(feature = "ssr")]
    Invitation(&'a str),
}

impl Route<'_> {
    /// The address, percent-encoded, with its query.
    pub(crate) fn path(&self) -> String {
        match *self {
            Self::LogIn { next: None } => LOG_IN.to_owned(),
            Self::LogIn { next: Some(next) } => {
                format!("{LOG_IN}?next={}", utf8_percent_encode(next, RESERVED_IN_PATHS))
            }
            Self::Fleet => "/".to_owned(),
            Self::AddHost => "/add-host".to_owned(),
            Self::Rollout { kind: None } => "/rollout".to_owned(),
            Self::Rollout { kind: Some(kind) } => format!("/rollout?kind={}", kind.as_str()),
            Self::RollbackMany => "/rollback".to_owned(),
            Self::RollbackHost { host, to, from_host } => {
                let path = dialog_over(&format!("/hosts/{}", escape(host)), "rollback", from_host);
                to.map_or(path.clone(), |number| format!("{path}?to={number}"))
            }
            Self::Compare { host, from, to } => format!("/hosts/{}/compare/{from}..{to}", escape(host)),
            Self::CompareHosts(one, other) => format!("/compare/{}..{}", escape(one), escape(other)),
            #[cfg(feature = "ssr")]
            Self::Pin(host, number) => format!("/hosts/{}/pin/{number}", escape(host)),
            Self::Merge(number) => format!("/pull-requests/{number}/merge"),
            Self::Revert { deployment, from_deployment } => {
                dialog_over(&format!("/deployments/{deployment}"), "revert", from_deployment)
            }
            Self::RollbackFailed { deployment, from_deployment } => {
                dialog_over(&format!("/deployments/{deployment}"), "rollback", from_deployment)
            }
            Self::Host(name) => format!("/hosts/{}", escape(name)),
            Self::Deployments { before: None } => "/deployments".to_owned(),
            Self::Deployments { before: Some(id) } => format!("/deployments?before={id}"),
            Self::Deployment(id) => format!("/deployments/{id}"),
            Self::OneRollout(id) => format!("/rollouts/{id}"),
            Self::Ops { host: None } => "/ops".to_owned(),
            Self::Ops { host: Some(host) } => format!("/ops?host={}", escape(host)),
            Self::Op(id) => format!("/ops/{id}"),
            Self::Audit => "/audit".to_owned(),
            Self::Notices => "/notices".to_owned(),
            Self::About => "/about".to_owned(),
            #[cfg(feature = "ssr")]
            Self::People => "/people".to_owned(),
            Self::Account => "/account".to_owned(),
            #[cfg(feature = "ssr")]
            Self::Confirm { next } => format!("/confirm/{}", escape(next)),
            #[cfg(feature = "ssr")]
            Self::Invitation(secret) => format!("/invite/{}", escape(secret)),
        }
    }

    /// Returns whether this is the fleet page, or a dialog over it.
    #[cfg(test)]
    pub(crate) fn shows_fleet(&self) -> bool {
        page(self.path().split('?').next().unwrap_or_default()) == "/"
    }
}

impl fmt::Display for Route<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

/// The address of a dialog about `subject`, over its own page or over the fleet page.
fn dialog_over(subject: &str, dialog: &str, here: bool) -> String {
    if here { format!("{subject}/{HERE}/{dialog}") } else { format!("{subject}/{dialog}") }
}

/// What is not unreserved (RFC 3986).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

const RESERVED_IN_PATHS: &AsciiSet = &RESERVED.remove(b'/');

fn escape(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, RESERVED)
}

/// Returns whether a path, without its query, shows a dialog over a page.
pub(crate) fn is_dialog(path: &str) -> bool {
    matches!(
        path.split('/').collect::<Vec<_>>()[..],
        ["", "add-host" | "rollout" | "rollback"]
            | ["", "hosts", _, "rollback"]
            | ["", "hosts", _, HERE, "rollback"]
            | ["", "pull-requests", _, "merge"]
            | ["", "deployments", _, "revert" | "rollback"]
            | ["", "deployments", _, HERE, "revert" | "rollback"]
    )
}

/// Returns whether the server alone writes the page of this path, which `api/written.rs` reads.
pub(crate) fn is_written(path: &str) -> bool {
    matches!(
        path.split('/').collect::<Vec<_>>()[..],
        ["", "people" | "account"]
            | ["", "confirm", ..]
            | ["", "compare", _]
            | ["", "hosts", _, "compare" | "pin", _]
    )
}

/// The path of the page that a path shows: for a dialog, the page below it.
pub(crate) fn page(path: &str) -> &str {
    if !is_dialog(path) {
        return path;
    }
    // A host may have the name that marks a dialog over its own page.
    let parts = path.split('/').count();
    let own = path.rsplit_once('/').and_then(|(over, _)| over.strip_suffix(HERE)?.strip_suffix('/'));
    own.filter(|_| parts == 5).unwrap_or("/")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// One address of each kind. The `match` makes the compiler ask for a new one.
    pub(crate) fn all() -> impl Iterator<Item = Route<'static>> {
        let (deployment, op) = (DeploymentId::new(), OpId::new());
        std::iter::successors(Some(Route::LogIn { next: Some("/audit") }), move |route| {
            Some(match route {
                Route::LogIn { .. } => Route::Fleet,
                Route::Fleet => Route::AddHost,
                Route::AddHost => Route::Rollout { kind: Some(OpKind::Pull) },
                Route::Rollout { .. } => Route::RollbackMany,
                Route::RollbackMany => Route::RollbackHost { host: "gpc0", to: Some(47), from_host: true },
                Route::RollbackHost { .. } => Route::Merge(42),
                Route::Merge(_) => Route::Revert { deployment, from_deployment: true },
                Route::Revert { .. } => Route::RollbackFailed { deployment, from_deployment: false },
                Route::RollbackFailed { .. } => Route::Compare { host: "gpc0", from: 47, to: 48 },
                Route::Compare { .. } => Route::CompareHosts("gpc0", "imac0"),
                Route::CompareHosts(..) => Route::Pin("gpc0", 47),
                Route::Pin(..) => Route::Host("gpc0"),
                Route::Host(_) => Route::Deployments { before: Some(deployment) },
                Route::Deployments { .. } => Route::Deployment(deployment),
                Route::Deployment(_) => Route::OneRollout(RolloutId::new()),
                Route::OneRollout(_) => Route::Ops { host: Some("gpc0") },
                Route::Ops { .. } => Route::Op(op),
                Route::Op(_) => Route::Audit,
                Route::Audit => Route::Notices,
                Route::Notices => Route::About,
                Route::About => Route::People,
                Route::People => Route::Account,
                Route::Account => Route::Confirm { next: "/audit" },
                Route::Confirm { .. } | Route::Invitation(_) => return None,
            })
        })
    }

    #[test]
    fn an_address_has_its_query() {
        let rollback = |to, from_host| Route::RollbackHost { host: "gpc0", to, from_host }.path();
        assert_eq!(rollback(None, false), "/hosts/gpc0/rollback");
        assert_eq!(rollback(Some(47), false), "/hosts/gpc0/rollback?to=47");
        assert_eq!(rollback(Some(47), true), "/hosts/gpc0/here/rollback?to=47");
        let next = Some("/hosts/a?b=c&d");
        assert_eq!(Route::LogIn { next }.path(), "/login?next=/hosts/a%3Fb%3Dc%26d");
    }

    #[test]
    fn a_name_stays_one_part_of_the_path() {
        assert_eq!(Route::Host("a/../b ü").path(), "/hosts/a%2F..%2Fb%20%C3%BC");
    }

    #[test]
    fn a_dialog_lies_over_the_fleet_page_or_over_the_page_that_it_is_about() {
        for (path, below) in [
            ("/hosts/gpc0/rollback", "/"),
            ("/hosts/gpc0/here/rollback", "/hosts/gpc0"),
            ("/hosts/here/rollback", "/"),
            ("/hosts/here/here/rollback", "/hosts/here"),
            ("/deployments/x/revert", "/"),
            ("/deployments/x/here/revert", "/deployments/x"),
            ("/deployments/x/here/rollback", "/deployments/x"),
            ("/rollback", "/"),
            ("/pull-requests/42/merge", "/"),
        ] {
            assert_eq!((page(path), is_dialog(path)), (below, true), "{path}");
        }
        for page_itself in ["/hosts/gpc0", "/hosts/rollback", "/hosts/gpc0/compare/47..48", "/ops"] {
            assert_eq!((page(page_itself), is_dialog(page_itself)), (page_itself, false));
        }
    }
}
