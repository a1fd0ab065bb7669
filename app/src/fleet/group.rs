//! Grouping of hosts on the page.

use std::collections::HashMap;

use backstay_model::{HostView, Platform};

use super::status::HostStatus;

/// The criterion by which hosts are grouped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum GroupBy {
    /// No groups.
    #[default]
    Nothing,
    /// By tag. A host appears once, so that it is counted and selected once: under the alphabetically first
    /// of its tags.
    Tag,
    /// By platform.
    Platform,
    /// By status, worst first.
    Status,
}

impl GroupBy {
    /// Every criterion.
    pub(crate) const ALL: [Self; 4] = [Self::Nothing, Self::Tag, Self::Platform, Self::Status];

    /// The word in an address.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Tag => "tag",
            Self::Platform => "platform",
            Self::Status => "status",
        }
    }

    /// The name on the page.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Nothing => "None",
            Self::Tag => "Tag",
            Self::Platform => "Platform",
            Self::Status => "Status",
        }
    }

    /// The criterion that an address names; [`Self::Nothing`] if the name is unknown.
    pub(crate) fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|by| by.as_str() == word).unwrap_or_default()
    }

    /// The group that a host belongs to.
    pub(crate) fn of(self, host: &HostView) -> GroupKey {
        match self {
            Self::Nothing => GroupKey::All,
            Self::Tag => host.tags.first().map_or(GroupKey::NoTag, |tag| GroupKey::Tag(tag.clone())),
            Self::Platform => GroupKey::Platform(host.platform),
            Self::Status => GroupKey::Status(HostStatus::of(host)),
        }
    }
}

/// What the hosts of a group have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum GroupKey {
    /// Everything: hosts are not grouped.
    All,
    /// Their first tag.
    Tag(String),
    /// No tag.
    NoTag,
    /// Their platform.
    Platform(Platform),
    /// Their status.
    Status(HostStatus),
}

impl GroupKey {
    /// The name on the page.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::All => "All hosts".to_owned(),
            Self::Tag(tag) => tag.clone(),
            Self::NoTag => "No tag".to_owned(),
            Self::Platform(platform) => platform.title().to_owned(),
            Self::Status(status) => status.title().to_owned(),
        }
    }

    /// A unique word, for attributes and for remembering folded groups.
    pub(crate) fn word(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Tag(tag) => format!("tag.{tag}"),
            Self::NoTag => "no-tag".to_owned(),
            Self::Platform(platform) => format!("platform.{platform}"),
            Self::Status(status) => format!("status.{}", status.as_str()),
        }
    }

    /// Its sort key among the groups. Hosts without a tag come last.
    fn place(&self) -> (usize, &str) {
        match self {
            Self::All => (0, ""),
            Self::Tag(tag) => (0, tag),
            Self::NoTag => (1, ""),
            Self::Platform(platform) => (Platform::ALL.iter().position(|p| p == platform).unwrap_or(0), ""),
            Self::Status(status) => (HostStatus::ALL.iter().position(|s| s == status).unwrap_or(0), ""),
        }
    }
}

/// A group of hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group<T> {
    /// What they have in common.
    pub(crate) key: GroupKey,
    /// The hosts, in the order given.
    pub(crate) hosts: Vec<T>,
}

/// Puts hosts into groups, in the page's order. Within a group, hosts keep their order.
pub(crate) fn grouped<T>(hosts: Vec<T>, key: impl Fn(&T) -> GroupKey) -> Vec<Group<T>> {
    let mut places = HashMap::<GroupKey, usize>::new();
    let mut groups = Vec::<Group<T>>::new();
    for host in hosts {
        let key = key(&host);
        let place = *places.entry(key.clone()).or_insert_with(|| {
            groups.push(Group { key, hosts: vec![] });
            groups.len() - 1
        });
        groups[place].hosts.push(host);
    }
    groups.sort_by(|one, other| one.key.place().cmp(&other.key.place()));
    groups
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use backstay_model::sample::host;

    fn shown(by: GroupBy, hosts: Vec<HostView>) -> Vec<(String, Vec<String>)> {
        grouped(hosts, |host| by.of(host))
            .into_iter()
            .map(|group| (group.key.title(), group.hosts.into_iter().map(|host| host.name).collect()))
            .collect()
    }

    fn group(title: &str, names: &[&str]) -> (String, Vec<String>) {
        (title.to_owned(), names.iter().map(|&name| name.to_owned()).collect())
    }

    fn tagged(name: &str, tags: &[&str]) -> HostView {
        HostView { tags: tags.iter().map(|&tag| tag.to_owned()).collect(), ..host(name) }
    }

    #[test]
    fn a_host_appears_under_its_first_tag_and_untagged_hosts_come_last() {
        let hosts = vec![
            host("gpc0"),
            tagged("web-1", &["cloud", "web"]),
            tagged("mail", &["cellar"]),
            tagged("web-2", &["cloud"]),
        ];
        assert_eq!(
            shown(GroupBy::Tag, hosts),
            [group("cellar", &["mail"]), group("cloud", &["web-1", "web-2"]), group("No tag", &["gpc0"])]
        );
    }

    #[test]
    fn a_tag_named_like_another_group_is_still_a_tag() {
        let hosts = vec![host("gpc0"), tagged("web-1", &["no-tag"]), tagged("web-2", &["all"])];
        let words: Vec<_> =
            grouped(hosts, |host| GroupBy::Tag.of(host)).iter().map(|g| g.key.word()).collect();
        assert_eq!(words, ["tag.all", "tag.no-tag", "no-tag"]);
    }

    #[test]
    fn the_worst_comes_first() {
        let mut broken = host("web-1");
        broken.lights.tests.state = backstay_model::State::Failed;
        let hosts = vec![host("gpc0"), HostView { online: false, ..host("imac0") }, broken];
        assert_eq!(
            shown(GroupBy::Status, hosts),
            [group("Failed", &["web-1"]), group("Offline", &["imac0"]), group("Fine", &["gpc0"])]
        );
    }

    #[test]
    fn platforms_have_their_order_and_no_groups_are_one() {
        let hosts = vec![HostView { platform: Platform::Darwin, ..host("imac0") }, host("web-1")];
        assert_eq!(
            shown(GroupBy::Platform, hosts.clone()),
            [group("NixOS", &["web-1"]), group("nix-darwin", &["imac0"])]
        );
        assert_eq!(shown(GroupBy::Nothing, hosts), [group("All hosts", &["imac0", "web-1"])]);
        assert_eq!(shown(GroupBy::Nothing, vec![]), []);
    }

    #[test]
    fn an_address_names_a_criterion() {
        for by in GroupBy::ALL {
            assert_eq!(GroupBy::from_word(by.as_str()), by);
        }
        assert_eq!(GroupBy::from_word("colour"), GroupBy::Nothing);
    }

    proptest! {
        #[test]
        fn every_host_appears_once_and_in_order(tags in proptest::collection::vec(0_u8..5, 0..40)) {
            let key = |&(_, tag): &(usize, u8)| match tag {
                0 => GroupKey::NoTag,
                tag => GroupKey::Tag(format!("t{tag}")),
            };
            let hosts: Vec<_> = tags.into_iter().enumerate().collect();
            let groups = grouped(hosts.clone(), key);
            for group in &groups {
                prop_assert!(!group.hosts.is_empty());
                prop_assert!(group.hosts.iter().all(|host| key(host) == group.key));
                prop_assert!(group.hosts.is_sorted());
            }
            let mut found: Vec<_> = groups.into_iter().flat_map(|group| group.hosts).collect();
            found.sort_unstable();
            prop_assert_eq!(found, hosts);
        }
    }
}
