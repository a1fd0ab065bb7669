//! The roles that the provider's groups give.

use std::collections::BTreeMap;
use std::str::FromStr;

use backstay_model::people::{GRANTS, Scope};
use backstay_model::{Grant, Role};

use crate::store::ProviderRoles;

/// A group of the provider gives a role: `GROUP=ROLE`, or `GROUP=ROLE@SCOPE` on some hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRole {
    /// The group, as the provider's tokens name it.
    pub group: String,
    /// The role.
    pub role: Role,
    /// The hosts, or `None` for the whole fleet.
    pub scope: Option<Scope>,
}

impl FromStr for GroupRole {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let like = "use GROUP=ROLE or GROUP=ROLE@SCOPE, such as admins=admin or lab-team=operator@tag:lab";
        // A group may hold both signs.
        let (group, given) =
            text.rsplit_once('=').filter(|(group, _)| !group.is_empty()).ok_or_else(|| like.to_owned())?;
        let group = group.to_owned();
        let Some((role, scope)) = given.split_once('@') else {
            return Ok(Self { group, role: given.parse()?, scope: None });
        };
        let grant: Grant = format!("{role} {scope}").parse().map_err(|_| like.to_owned())?;
        Ok(Self { group, role: grant.role, scope: Some(grant.scope) })
    }
}

/// Returns the roles of somebody in these groups, or `None` if no group gives one. On each scope the highest counts.
pub(super) fn roles_of(given: &[GroupRole], groups: &[String]) -> Option<ProviderRoles> {
    let mine: Vec<_> = given.iter().filter(|given| groups.contains(&given.group)).collect();
    let on_fleet = mine.iter().filter(|given| given.scope.is_none()).map(|given| given.role).max();
    let mut by_scope = BTreeMap::<String, Grant>::new();
    for given in &mine {
        let Some(scope) = &given.scope else { continue };
        let grant = Grant { role: given.role, scope: scope.clone() };
        let entry = by_scope.entry(scope.to_string()).or_insert_with(|| grant.clone());
        entry.role = entry.role.max(grant.role);
    }
    let grants = by_scope.into_values().take(GRANTS).collect();
    // Like everybody, people who may act on some hosts see all of them.
    (!mine.is_empty()).then(|| ProviderRoles { role: on_fleet.unwrap_or(Role::Viewer), grants })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(all: &[&str]) -> Vec<GroupRole> {
        all.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn roles(all: &[&str], groups: &[&str]) -> Option<(Role, Vec<String>)> {
        let groups: Vec<_> = groups.iter().map(|group| (*group).to_owned()).collect();
        let roles = roles_of(&given(all), &groups)?;
        Some((roles.role, roles.grants.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn the_highest_role_on_each_scope_counts_and_no_group_gives_nothing() {
        let all = [
            "staff=viewer",
            "admins=admin",
            "lab=operator@tag:lab",
            "on-call=responder@tag:lab",
            "on-call=responder@name:web-*",
        ];
        assert_eq!(roles(&all, &[]), None);
        assert_eq!(roles(&all, &["Staff", "others"]), None, "names are compared as they are");
        assert_eq!(roles(&all, &["staff"]), Some((Role::Viewer, vec![])));
        assert_eq!(roles(&all, &["staff", "admins"]), Some((Role::Admin, vec![])));
        let expected = vec!["responder name:web-*".to_owned(), "operator tag:lab".to_owned()];
        assert_eq!(roles(&all, &["on-call", "lab"]), Some((Role::Viewer, expected)));
    }

    #[test]
    fn a_group_may_hold_any_sign() {
        let read = given(&["ops@example.org=operator", "cn=ops,dc=org=responder@tag:lab"]);
        assert_eq!(read[0].group, "ops@example.org");
        assert_eq!((read[1].group.as_str(), read[1].role), ("cn=ops,dc=org", Role::Responder));
        for bad in ["", "admins", "=admin", "a=boss", "a=admin@tag:lab", "a=operator@lab", "a=operator@"] {
            assert!(bad.parse::<GroupRole>().is_err(), "{bad}");
        }
    }
}
