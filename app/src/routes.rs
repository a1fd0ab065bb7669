//! The addresses of the pages and dialogs: [`Route`] writes each of them, and [`page`] says which page an
//! address shows. `app.rs` has the components that answer.

use std::fmt;

use backstay_model::{DeploymentId, OpId, OpKind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

/// Query parameter of a dialog that was opened on its subject's own page. Closing the dialog leads back
/// there.
pub(crate) const FROM: &str = "from";

/// Values of [`FROM`].
const FROM_HOST: &str = "host";
const FROM_DEPLOYMENT: &str = "deployment";

/// Query parameter of the page that shows what a plain form has begun.
pub(crate) const BEGUN: &str = "begun";

/// The address of the page that shows what a plain form has begun.
#[cfg(feature = "ssr")]
pub(crate) fn begun(place: Route<'_>) -> String {
    with_query(place.path(), std::iter::once(BEGUN.to_owned()))
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
    /// One host.
    Host(&'a str),
    /// The deployments older than `before`, or the newest.
    Deployments { before: Option<DeploymentId> },
    /// One deployment.
    Deployment(DeploymentId),
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
}

impl Route<'_> {
    /// The address, percent-encoded, with its query.
    pub(crate) fn path(&self) -> String {
        match *self {
            Self::LogIn { next: None } => "/login".to_owned(),
            Self::LogIn { next: Some(next) } => {
                format!("/login?next={}", utf8_percent_encode(next, RESERVED_IN_PATHS))
            }
            Self::Fleet => "/".to_owned(),
            Self::AddHost => "/add-host".to_owned(),
            Self::Rollout { kind: None } => "/rollout".to_owned(),
            Self::Rollout { kind: Some(kind) } => format!("/rollout?kind={}", kind.as_str()),
            Self::RollbackMany => "/rollback".to_owned(),
            Self::RollbackHost { host, to, from_host } => {
                let path = format!("/hosts/{}/rollback", escape(host));
                let from = from_host.then(|| format!("{FROM}={FROM_HOST}"));
                with_query(path, from.into_iter().chain(to.map(|number| format!("to={number}"))))
            }
            Self::Merge(number) => format!("/pull-requests/{number}/merge"),
            Self::Revert { deployment, from_deployment } => {
                deployment_dialog(deployment, "revert", from_deployment)
            }
            Self::RollbackFailed { deployment, from_deployment } => {
                deployment_dialog(deployment, "rollback", from_deployment)
            }
            Self::Host(name) => format!("/hosts/{}", escape(name)),
            Self::Deployments { before: None } => "/deployments".to_owned(),
            Self::Deployments { before: Some(id) } => format!("/deployments?before={id}"),
            Self::Deployment(id) => format!("/deployments/{id}"),
            Self::Ops { host: None } => "/ops".to_owned(),
            Self::Ops { host: Some(host) } => format!("/ops?host={}", escape(host)),
            Self::Op(id) => format!("/ops/{id}"),
            Self::Audit => "/audit".to_owned(),
            Self::Notices => "/notices".to_owned(),
            Self::About => "/about".to_owned(),
        }
    }

    /// Returns whether this is a dialog over the fleet page.
    #[cfg(test)]
    pub(crate) fn is_dialog(&self) -> bool {
        is_dialog(self.path().split('?').next().unwrap_or_default())
    }
}

impl fmt::Display for Route<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

fn deployment_dialog(deployment: DeploymentId, dialog: &str, from_deployment: bool) -> String {
    let from = from_deployment.then(|| format!("{FROM}={FROM_DEPLOYMENT}"));
    with_query(format!("/deployments/{deployment}/{dialog}"), from.into_iter())
}

fn with_query(path: String, mut pairs: impl Iterator<Item = String>) -> String {
    let Some(first) = pairs.next() else { return path };
    pairs.fold(format!("{path}?{first}"), |address, pair| format!("{address}&{pair}"))
}

/// What is not unreserved (RFC 3986).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

const RESERVED_IN_PATHS: &AsciiSet = &RESERVED.remove(b'/');

fn escape(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, RESERVED)
}

/// Returns whether a path, without its query, shows a dialog over the fleet page.
pub(crate) fn is_dialog(path: &str) -> bool {
    matches!(
        path.split('/').collect::<Vec<_>>()[..],
        ["", "add-host" | "rollout" | "rollback"]
            | ["", "hosts", _, "rollback"]
            | ["", "pull-requests", _, "merge"]
            | ["", "deployments", _, "revert" | "rollback"]
    )
}

/// The path of the page that a path shows: the fleet's for each of its dialogs.
pub(crate) fn page(path: &str) -> &str {
    if is_dialog(path) { "/" } else { path }
}

/// The path of the page about a dialog's subject (its host or its deployment), or the fleet's. `None` if
/// `path` is no dialog.
pub(crate) fn subject(path: &str) -> Option<&str> {
    let own = ["/rollback", "/revert"].iter().find_map(|dialog| path.strip_suffix(dialog));
    is_dialog(path).then(|| own.filter(|own| !own.is_empty()).unwrap_or("/"))
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
                Route::RollbackFailed { .. } => Route::Host("gpc0"),
                Route::Host(_) => Route::Deployments { before: Some(deployment) },
                Route::Deployments { .. } => Route::Deployment(deployment),
                Route::Deployment(_) => Route::Ops { host: Some("gpc0") },
                Route::Ops { .. } => Route::Op(op),
                Route::Op(_) => Route::Audit,
                Route::Audit => Route::Notices,
                Route::Notices => Route::About,
                Route::About => return None,
            })
        })
    }

    #[test]
    fn an_address_has_its_query() {
        let rollback = |to, from_host| Route::RollbackHost { host: "gpc0", to, from_host }.path();
        assert_eq!(rollback(None, false), "/hosts/gpc0/rollback");
        assert_eq!(rollback(Some(47), false), "/hosts/gpc0/rollback?to=47");
        assert_eq!(rollback(Some(47), true), "/hosts/gpc0/rollback?from=host&to=47");
        let next = Some("/hosts/a?b=c&d");
        assert_eq!(Route::LogIn { next }.path(), "/login?next=/hosts/a%3Fb%3Dc%26d");
    }

    #[test]
    fn a_name_stays_one_part_of_the_path() {
        assert_eq!(Route::Host("a/../b ü").path(), "/hosts/a%2F..%2Fb%20%C3%BC");
    }

    #[test]
    fn a_dialog_shows_the_fleet_page_below_it() {
        for route in all() {
            let path = route.path();
            let path = path.split('?').next().unwrap();
            assert_eq!(page(path), if route.is_dialog() { "/" } else { path });
        }
        assert!(!is_dialog("/hosts/rollback"), "a host may have any name");
    }

    #[test]
    fn a_dialog_is_about_a_host_or_a_deployment_or_the_fleet() {
        assert_eq!(subject("/hosts/gpc0/rollback"), Some("/hosts/gpc0"));
        assert_eq!(subject("/deployments/x/revert"), Some("/deployments/x"));
        assert_eq!(subject("/rollback"), Some("/"));
        assert_eq!(subject("/pull-requests/42/merge"), Some("/"));
        assert_eq!(subject("/hosts/gpc0"), None);
    }
}
