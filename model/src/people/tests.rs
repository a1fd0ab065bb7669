use proptest::prelude::*;

use super::*;
use crate::Platform;

fn host<'a>(name: &'a str, tags: &'a [String]) -> HostTraits<'a> {
    HostTraits { name, platform: Platform::Nixos, tags }
}

fn with_grants(role: Role, grants: &[&str]) -> Person {
    let grants = grants.iter().map(|grant| grant.parse().unwrap()).collect();
    Person { grants, ..Person::new("maria", role) }
}

#[test]
fn a_role_includes_the_ones_before_it() {
    for role in Role::ALL {
        let person = Person::new("maria", role);
        for action in Action::ALL {
            let needed = action.rule().role;
            let expected = if needed <= role { Ok(()) } else { Err(NotAllowed::Role(needed)) };
            assert_eq!(person.require(action), expected, "{role}: {action:?}");
            assert_eq!(person.require_on(action, &host("gpc0", &[])), expected, "{role}: {action:?}");
            assert_eq!(person.require_somewhere(action), expected, "{role}: {action:?}");
        }
    }
}

#[test]
fn a_responder_brings_hosts_back_and_nothing_else() {
    let (responder, viewer) = (Person::new("r", Role::Responder), Person::new("v", Role::Viewer));
    let more: Vec<_> = Action::ALL
        .into_iter()
        .filter(|action| responder.require(*action).is_ok() && viewer.require(*action).is_err())
        .collect();
    let expected =
        [Action::RollBack, Action::Cancel, Action::RunTests, Action::RollBackMany, Action::HoldRollout];
    assert_eq!(more, expected);
}

#[test]
fn a_grant_counts_on_its_hosts_alone_and_never_for_the_whole_fleet() {
    let lab = ["lab".to_owned()];
    let person = with_grants(Role::Viewer, &["responder name:web-*", "operator tag:lab"]);
    let on = |action, host| person.require_on(action, &host);
    assert_eq!(on(Action::Switch, host("gpc0", &lab)), Ok(()));
    assert_eq!(on(Action::RollBack, host("WEB-1", &[])), Ok(()));
    let refused = on(Action::Switch, host("web-1", &[])).unwrap_err();
    assert_eq!(refused.to_string(), "This requires the operator role on web-1.");
    let refused = person.require(Action::Merge).unwrap_err();
    assert_eq!(refused.to_string(), "This requires the operator role on the whole fleet.");
    assert_eq!(on(Action::RemoveHost, host("gpc0", &lab)), Err(NotAllowed::Role(Role::Admin)));
    for action in Action::ALL {
        let Rule { role, extent } = action.rule();
        let expected = role == Role::Viewer || (role <= Role::Operator && extent == Extent::Host);
        assert_eq!(person.require_somewhere(action).is_ok(), expected, "{action:?}");
        assert_eq!(on(action, host("gpc0", &lab)).is_ok(), expected, "{action:?}");
    }
}

#[test]
fn a_scope_covers_hosts_by_tag_platform_or_name() {
    let tags = ["lab".to_owned(), "vienna".to_owned()];
    for (scope, expected) in [
        ("tag:lab", true),
        ("tag:la", false),
        ("platform:nixos", true),
        ("platform:darwin", false),
        ("name:gpc0", true),
        ("name:GPC?", true),
        ("name:*", true),
        ("name:*c*0*", true),
        ("name:g*p", false),
        ("name:pc0", false),
        ("name:gpc", false),
        ("name:gpc0?", false),
    ] {
        assert_eq!(scope.parse::<Scope>().unwrap().covers(&host("gpc0", &tags)), expected, "{scope}");
    }
}

#[test]
fn a_grant_is_read_as_it_is_written() {
    for text in ["operator tag:lab", "responder platform:home-manager", "operator name:web-*"] {
        let grant: Grant = text.parse().unwrap();
        assert_eq!(grant.to_string(), text);
        let json = serde_json::to_string(&grant).unwrap();
        assert_eq!(serde_json::from_str::<Grant>(&json).unwrap(), grant);
    }
    for bad in [
        "",
        "operator",
        "admin tag:lab",
        "viewer tag:lab",
        "operator tag:",
        "operator tag:a b",
        "operator platform:windows",
        "operator name:",
        "operator name:a/b",
        "operator host:a",
    ] {
        assert_eq!(bad.parse::<Grant>(), Err(GrantError), "{bad}");
    }
}

#[test]
fn a_role_is_read_as_it_is_written() {
    for role in Role::ALL {
        assert_eq!(role.to_string().parse(), Ok(role));
    }
    assert!("root".parse::<Role>().is_err());
}

proptest! {
    #[test]
    fn a_name_matches_itself_with_any_part_replaced_by_a_star(name in "[a-z0-9-]{1,20}", from in 0..20usize, to in 0..20usize) {
        let (from, to) = (from.min(name.len()), to.min(name.len()));
        let pattern = format!("name:{}*{}", &name[..from.min(to)], &name[from.max(to)..]);
        prop_assert!(pattern.parse::<Scope>().unwrap().covers(&host(&name, &[])));
    }
}
