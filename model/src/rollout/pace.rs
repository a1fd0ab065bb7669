//! How fast a roll-out is, from the ends of its own hosts.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Rollout, RolloutState};

/// Number of hosts that must have ended before anything is predicted.
const ENOUGH: usize = 3;

/// The pace of a roll-out that is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The average time between two ends.
    pub per_host: TimeDelta,
    /// The time that the remaining hosts will probably take.
    pub left: TimeDelta,
}

impl Rollout {
    /// Its pace, once enough hosts have ended. A roll-out that is stopping or paused has none: hosts that already
    /// run finish whenever they do.
    pub fn pace(&self, now: DateTime<Utc>) -> Option<Pace> {
        if self.state != RolloutState::Running || self.is_paused() {
            return None;
        }
        let ends = self.hosts.iter().filter(|host| host.step.is_over()).filter_map(|host| host.ended_at);
        let (count, latest) =
            ends.fold((0, self.created_at), |(count, latest), end| (count + 1, latest.max(end)));
        let left = self.hosts.iter().filter(|host| !host.step.is_over()).count();
        if count < ENOUGH || left == 0 {
            return None;
        }
        let per_host = (latest - self.created_at) / i32::try_from(count).ok()?;
        let since = (now - latest).clamp(TimeDelta::zero(), per_host);
        Some(Pace { per_host, left: per_host * i32::try_from(left).ok()? - since })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::{RolloutHost, RolloutStep};
    use crate::{HostId, OpAction, OpId, OpKind, sample};

    /// A roll-out of `all` hosts; one of them has ended each minute.
    fn rollout(all: usize, ended: usize) -> Rollout {
        let hosts = (0..all).map(|number| {
            let host = RolloutHost::waiting(HostId::new(), format!("h{number}"), OpAction::PullSwitch);
            if number >= ended {
                return host;
            }
            let minutes = i64::try_from(number).unwrap() + 1;
            let ended_at = Some(sample::now() + TimeDelta::minutes(minutes));
            RolloutHost { step: RolloutStep::Ok { op: OpId::new() }, ended_at, ..host }
        });
        Rollout { created_at: sample::now(), ..sample::rollout(OpKind::PullSwitch, hosts.collect()) }
    }

    fn left(rollout: &Rollout, after: i64) -> Option<i64> {
        rollout.pace(sample::now() + TimeDelta::minutes(after)).map(|pace| pace.left.num_minutes())
    }

    #[test]
    fn nothing_is_predicted_before_three_hosts_have_ended() {
        assert_eq!(left(&rollout(40, 2), 2), None);
        assert_eq!(left(&rollout(40, 3), 3), Some(37));
        assert_eq!(left(&rollout(40, 12), 12), Some(28));
    }

    #[test]
    fn the_time_left_shrinks_between_two_ends_by_one_host_at_most() {
        let rollout = rollout(40, 12);
        let pace =
            |seconds: i64| rollout.pace(sample::now() + TimeDelta::seconds(12 * 60 + seconds)).unwrap();
        assert_eq!(pace(30).left.num_seconds(), 28 * 60 - 30);
        assert_eq!(pace(600).left.num_seconds(), 27 * 60);
        assert_eq!(pace(-600).left.num_seconds(), 28 * 60, "a host's clock may be ahead");
    }

    #[test]
    fn a_roll_out_that_is_over_or_stopping_has_no_pace() {
        let stopping = Rollout { state: RolloutState::Stopping { why: "x".into() }, ..rollout(40, 12) };
        assert_eq!((left(&stopping, 12), left(&rollout(12, 12), 12)), (None, None));
    }
}
