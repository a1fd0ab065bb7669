//! The notices that a page shows at once: what concerns everybody, what its person began, and what turned bad. The
//! list of notices has all of them.

use backstay_model::wire::event::{Notice, Tone};

/// Upper bound on the shown notices. Older ones make room first, bad news last.
const SHOWN: usize = 3;
/// Number of hosts that are named.
const NAMED: usize = 3;

/// A notice on the page, which may stand for several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownNotice {
    /// The number of its newest event, which is unique.
    pub key: u64,
    /// The newest of its notices.
    pub notice: Notice,
    /// The hosts of all of them, in the order of their events.
    pub hosts: Vec<String>,
}

impl ShownNotice {
    /// What it says, without the hosts.
    pub(crate) fn text(&self) -> &str {
        match &self.notice.of_several {
            Some(of_several) if self.hosts.len() > 1 => of_several,
            _ => &self.notice.text,
        }
    }

    /// Its hosts: “hsb0 and imac0”, “csb0, gpc0, hsb0 and 37 more”.
    pub(crate) fn subject(&self) -> String {
        let (named, more) = self.hosts.split_at(self.hosts.len().min(NAMED));
        match (named, more.len()) {
            ([first @ .., last], 0) if !first.is_empty() => format!("{} and {last}", first.join(", ")),
            (named, 0) => named.concat(),
            (named, more) => format!("{} and {more} more", named.join(", ")),
        }
    }

    /// Returns whether another notice says the same of another host.
    fn is_like(&self, notice: &Notice) -> bool {
        notice.of_several.is_some() && self.notice.of_several == notice.of_several
    }
}

/// Adds a notice, if it is for this person. The same of several hosts becomes one.
pub(super) fn add(shown: &mut Vec<ShownNotice>, key: u64, notice: Notice, me: Option<&str>) {
    let is_for_me = notice.by.is_none() || notice.by.as_deref() == me;
    if notice.tone != Tone::Bad && !is_for_me {
        return;
    }
    let known = shown.iter().position(|shown| shown.is_like(&notice));
    let mut hosts = known.map(|known| shown.remove(known).hosts).unwrap_or_default();
    hosts.extend(notice.host_name.clone().filter(|host| !hosts.contains(host)));
    shown.push(ShownNotice { key, notice, hosts });
    while shown.len() > SHOWN {
        let oldest = shown.iter().position(|shown| shown.notice.tone != Tone::Bad);
        shown.remove(oldest.unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::sample;

    use super::*;

    fn notice(tone: Tone, host: &str, by: &str) -> Notice {
        let of_several = if tone == Tone::Bad { "failed their tests" } else { "were switched" };
        Notice {
            host_name: Some(host.into()),
            by: Some(by.into()),
            of_several: Some(of_several.into()),
            ..Notice::new(sample::now(), tone, "Tests FAIL (x11)")
        }
    }

    fn told(notices: impl IntoIterator<Item = Notice>) -> Vec<String> {
        let mut shown = vec![];
        for (key, notice) in (1..).zip(notices) {
            add(&mut shown, key, notice, Some("maria"));
        }
        shown.iter().map(|shown| format!("{} {}", shown.subject(), shown.text())).collect()
    }

    #[test]
    fn a_person_hears_of_what_they_began_what_turns_bad_and_what_concerns_everybody() {
        let all = [
            notice(Tone::Good, "csb0", "auto-test"),
            notice(Tone::Good, "gpc0", "maria"),
            notice(Tone::Good, "hsb0", "otto"),
            notice(Tone::Bad, "imac0", "otto"),
            Notice::new(sample::now(), Tone::Neutral, "PR #42 reverted"),
        ];
        assert_eq!(told(all), ["gpc0 Tests FAIL (x11)", "imac0 Tests FAIL (x11)", " PR #42 reverted"]);
    }

    #[test]
    fn the_same_of_several_hosts_is_one_notice() {
        let bad = |host: &str| notice(Tone::Bad, host, "auto-test");
        assert_eq!(told(["hsb0", "imac0", "hsb0"].map(bad)), ["hsb0 and imac0 failed their tests"]);
        assert_eq!(told(["a", "b", "c"].map(bad)), ["a, b and c failed their tests"]);
        let many = (0..1000).map(|number| bad(&format!("h{number}")));
        assert_eq!(told(many), ["h0, h1, h2 and 997 more failed their tests"]);
    }

    #[test]
    fn old_notices_make_room_and_bad_news_last() {
        let mut shown = vec![];
        let tones = [Tone::Good, Tone::Bad, Tone::Good, Tone::Neutral, Tone::Good];
        let mut tell = |key, tone| {
            let notice = Notice { by: Some("maria".into()), ..Notice::new(sample::now(), tone, "x") };
            add(&mut shown, key, notice, Some("maria"));
            shown.iter().map(|shown| shown.key).collect::<Vec<_>>()
        };
        let mut keys = vec![];
        for (key, tone) in (1..).zip(tones) {
            keys = tell(key, tone);
        }
        assert_eq!(keys, [2, 4, 5]);
        for key in 6..9 {
            keys = tell(key, Tone::Bad);
        }
        assert_eq!(keys, [6, 7, 8]);
    }
}
