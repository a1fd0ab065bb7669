//! What a rollback of many hosts will do, in a few lines.

use std::collections::BTreeMap;

use super::PlannedRollback;
use crate::Generation;

/// Longest list of hosts that needs no summary.
const SHORT: usize = 10;

/// Number of lines about targets, and about reasons.
const LINES: usize = 4;

/// Sums up what happens to the hosts by default: the number of hosts by target, and by the reason why they are
/// left out. Empty for a short list.
pub fn summary(planned: &[PlannedRollback]) -> Vec<String> {
    if planned.len() <= SHORT {
        return vec![];
    }
    let (mut targets, mut reasons) = (BTreeMap::new(), BTreeMap::new());
    for host in planned {
        match &host.to {
            Ok(to) => *targets.entry(target(&to.generation)).or_insert(0) += 1,
            Err(_) if host.fine => *reasons.entry("All tests pass now.").or_insert(0) += 1,
            Err(why) => *reasons.entry(why.as_str()).or_insert(0) += 1,
        }
    }
    let going = most(targets).into_iter().map(|(to, count)| match to {
        Some(to) => format!("{} to {to}", roll_back(count)),
        None => format!("{} to other generations", roll_back(count)),
    });
    let left_out = most(reasons).into_iter().map(|(why, count)| match why {
        Some(why) => format!("{}: {}", left_out(count), why.trim_end_matches('.')),
        None => format!("{} for other reasons", left_out(count)),
    });
    going.chain(left_out).collect()
}

/// The commit, which is the same on several hosts, or else the number.
fn target(generation: &Generation) -> String {
    generation.commit.as_ref().map_or_else(|| format!("Gen {}", generation.number), ToString::to_string)
}

fn roll_back(hosts: usize) -> String {
    if hosts == 1 { "1 host rolls back".to_owned() } else { format!("{hosts} hosts roll back") }
}

fn left_out(hosts: usize) -> String {
    if hosts == 1 { "1 host is left out".to_owned() } else { format!("{hosts} hosts are left out") }
}

/// The most frequent ones first; `None` stands for all others.
fn most<K: Ord>(counts: BTreeMap<K, usize>) -> Vec<(Option<K>, usize)> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let others = counts.split_off(LINES.min(counts.len())).into_iter().map(|(_, count)| count).sum();
    let named = counts.into_iter().map(|(key, count)| (Some(key), count));
    named.chain((others > 0).then_some((None, others))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn planned(to: Result<u32, &str>) -> PlannedRollback {
        PlannedRollback {
            host_name: "imac0".into(),
            online: true,
            why: None,
            fine: false,
            tests: None,
            from: Some(sample::generation(48, 0)),
            to: to.map(|number| sample::candidate(sample::generation(number, 0))).map_err(str::to_owned),
            others: vec![],
        }
    }

    #[test]
    fn many_hosts_are_counted_by_target_and_by_reason() {
        let fine = PlannedRollback { fine: true, ..planned(Err("All its tests pass now.")) };
        let mut hosts = vec![fine; 8];
        hosts.push(planned(Ok(46)));
        hosts.push(planned(Err("No earlier generation is known to work.")));
        assert!(summary(&hosts).is_empty(), "ten hosts are seen at a glance");
        hosts.extend([planned(Ok(47)), planned(Ok(47))]);
        let (one, two) = (target(&sample::generation(46, 0)), target(&sample::generation(47, 0)));
        assert_eq!(
            summary(&hosts),
            [
                format!("2 hosts roll back to {two}"),
                format!("1 host rolls back to {one}"),
                "8 hosts are left out: All tests pass now".to_owned(),
                "1 host is left out: No earlier generation is known to work".to_owned(),
            ]
        );
    }

    #[test]
    fn a_long_tail_is_one_line() {
        let hosts: Vec<_> = (30..48).map(|number| planned(Ok(number))).collect();
        assert_eq!(summary(&hosts).len(), 5);
        assert_eq!(summary(&hosts)[4], "14 hosts roll back to other generations");
    }
}
