//! The palette's entries for the hosts selected on the fleet page.

use backstay_model::{Action, OpKind};

use super::entries::{Does, Entry};
use crate::components::op_icon;
use crate::routes::Route;

/// The ops that can be rolled out from here; each is confirmed in its dialog.
const KINDS: [OpKind; 4] = [OpKind::PullSwitch, OpKind::Pull, OpKind::Switch, OpKind::Test];

/// The entries for `count` selected hosts. `about` adds the hosts to the address of a dialog. Empty if none
/// is selected.
pub(super) fn of_selected(
    count: usize,
    about: impl Fn(&str) -> String,
    may: impl Fn(Action) -> bool,
) -> Vec<Entry> {
    if count == 0 {
        return vec![];
    }
    let hosts =
        if count == 1 { "the selected host".to_owned() } else { format!("the {count} selected hosts") };
    let entry = |what: &str, kind: OpKind, route: Route<'_>| Entry {
        name: format!("{what} {hosts}"),
        icon: op_icon(kind),
        does: Does::Go(about(&route.path())),
    };
    let mut entries = vec![];
    if may(Action::RollBackMany) {
        entries.push(entry("Roll back", OpKind::Rollback, Route::RollbackMany));
    }
    if may(Action::RollOut) {
        entries.extend(KINDS.map(|kind| {
            let what = if kind == OpKind::Test { "Run Tests on" } else { kind.title() };
            entry(what, kind, Route::Rollout { kind: Some(kind) })
        }));
    }
    entries.push(Entry { name: "Clear the selection".to_owned(), icon: "close", does: Does::Clear });
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize, may_operate: bool) -> Vec<String> {
        let about = |path: &str| format!("{path}?host=gpc0");
        of_selected(count, about, |_| may_operate).into_iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn selected_hosts_have_entries() {
        assert_eq!(names(0, true), [""; 0]);
        assert_eq!(names(1, true)[0], "Roll back the selected host");
        assert_eq!(names(3, true)[2], "Pull the 3 selected hosts");
        assert_eq!(names(3, false), ["Clear the selection"]);
    }
}
