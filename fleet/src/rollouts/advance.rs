//! Advances a roll-out: records what has ended, stops or ends the roll-out, and begins the next hosts.

use std::collections::HashMap;

use backstay_model::rollout::{Next, OpEnd, Rollout, RolloutHost, RolloutState, RolloutStep, stopped};
use backstay_model::wire::event::Tone;
use backstay_model::{HostId, OpId, OpKind, OpStatus, OpView, RolloutId};

use crate::fleet::Fleet;
use crate::ops::SERVER;
use crate::ops::ended::ended;
use crate::ops::record::request_entry;
use crate::ops::request::{NewRequest, busy_with};
use crate::state::rollout_driver::KnownHosts;
use crate::state::unpublished::Update;
use crate::store::{HostRecord, InsertOpError, StoreError};

/// Why a removed host is left out.
const REMOVED: &str = "It is no longer in the fleet.";

/// The ops under way on the hosts of a roll-out.
pub(super) struct OpsUnderWay(HashMap<OpId, OpView>);

impl OpsUnderWay {
    /// Returns whether the op has not been sent yet.
    pub(super) fn is_queued(&self, op: OpId) -> bool {
        self.0.get(&op).is_some_and(|op| op.status == OpStatus::Queued)
    }

    /// Returns whether the host's op waits for the host's tests to end.
    fn waits(&self, host: HostId) -> bool {
        self.0.values().any(|op| op.host == host && op.waits)
    }
}

impl Fleet {
    /// Advances a roll-out by one look. Returns whether anything changed, so that another look is worthwhile. Only this task
    /// changes the steps of hosts, so `hosts` has them from look to look, and nothing is read for each of many hosts. After an
    /// error it is empty, and they are read again.
    pub(super) async fn advance(&self, id: RolloutId, hosts: &mut KnownHosts) -> Result<bool, StoreError> {
        let rollout = match hosts.take() {
            Some(hosts) => {
                self.store.rollout_part(id, None).await?.map(|rollout| Rollout { hosts, ..rollout })
            }
            None => self.store.rollout(id).await?,
        };
        let Some(mut rollout) = rollout.filter(|it| it.state.is_open()) else { return Ok(false) };
        let changed = self.look(&mut rollout).await?;
        *hosts = Some(rollout.hosts);
        Ok(changed)
    }

    async fn look(&self, rollout: &mut Rollout) -> Result<bool, StoreError> {
        let ops = self.ops_under_way(rollout).await?;
        let mut steps = vec![];
        for host in &rollout.hosts {
            steps.extend(self.after(rollout, host, &ops).await?.map(|to| (host.host, host.step.clone(), to)));
        }
        let mut changed = false;
        for (host, from, to) in steps {
            changed |= self.step(rollout, host, &from, to).await?;
        }
        if changed {
            return Ok(true);
        }
        if let Some(state) = rollout.next_state(|op| ops.is_queued(op)) {
            return self.change_state(rollout, &state).await;
        }
        if rollout.pauses_now(|op| ops.is_queued(op)) {
            return self.pause_automatically(rollout).await;
        }
        let can_be_sent = |host| self.hub.is_ready(host) && !ops.waits(host);
        for next in rollout.next(|op| ops.is_queued(op), can_be_sent) {
            changed |= self.carry_out(rollout, next, &ops).await?;
        }
        Ok(changed)
    }

    /// The ops under way on its hosts.
    pub(super) async fn ops_under_way(&self, rollout: &Rollout) -> Result<OpsUnderWay, StoreError> {
        let ops = self.store.rollout_ops(rollout.id).await?;
        Ok(OpsUnderWay(ops.into_iter().map(|op| (op.id, op)).collect()))
    }

    /// The next step of a host, if its op has ended.
    async fn after(
        &self,
        rollout: &Rollout,
        host: &RolloutHost,
        OpsUnderWay(ops): &OpsUnderWay,
    ) -> Result<Option<RolloutStep>, StoreError> {
        let Some(op) = host.step.op().filter(|_| !host.step.is_over()) else { return Ok(None) };
        let Some(op) = ops.get(&op) else {
            return Ok(host.step.after(OpEnd::Failed(REMOVED.to_owned()), None));
        };
        let Some(ended) = ended(op) else { return Ok(None) };
        let ended = match (ended, &rollout.state) {
            (OpEnd::Failed(why), _) if op.action.kind() == OpKind::Test => {
                OpEnd::Failed(format!("Tests FAIL ({why})"))
            }
            (OpEnd::NeverStarted(_), RolloutState::Stopping { why }) => OpEnd::NeverStarted(stopped(why)),
            (ended, _) => ended,
        };
        // Tests are recorded together with the result of the op, or never.
        let tests = self.store.following_op(op.id).await?;
        Ok(host.step.after(ended, tests.map(|tests| tests.id)))
    }

    async fn step(
        &self,
        rollout: &mut Rollout,
        host: HostId,
        from: &RolloutStep,
        to: RolloutStep,
    ) -> Result<bool, StoreError> {
        let is_taken = self.store.step_rollout(rollout.id, host, from, &to).await?;
        self.stepped(rollout, host, is_taken.then_some(to)).await
    }

    /// Publishes a host's new step, and returns true. If it was not taken, the roll-out is not as it was read: it is read again.
    async fn stepped(
        &self,
        rollout: &mut Rollout,
        host: HostId,
        to: Option<RolloutStep>,
    ) -> Result<bool, StoreError> {
        let Some(to) = to else {
            if let Some(now) = self.store.rollout(rollout.id).await? {
                *rollout = now;
            }
            return Ok(false);
        };
        if let Some(known) = rollout.hosts.iter_mut().find(|known| known.host == host) {
            known.step = to;
        }
        self.publish(Update::RolloutHost(rollout.id, host)).await;
        Ok(true)
    }

    /// Stops or ends the roll-out automatically.
    async fn change_state(&self, rollout: &Rollout, to: &RolloutState) -> Result<bool, StoreError> {
        let after = Rollout { state: to.clone(), ..rollout.clone() };
        let told = after.summary(self.rolled_out(rollout).await?.as_deref());
        let entry = self.rollout_entry(SERVER, to, rollout, format!("{told}."));
        if self.store.set_rollout_state(rollout.id, to, &entry).await?.is_none() {
            return Ok(false);
        }
        self.publish_rollout(rollout.id).await;
        if !to.is_open() {
            let tone = match &after.state {
                RolloutState::Done if after.succeeded() == after.hosts.len() => Tone::Good,
                RolloutState::Done if after.failures().next().is_none() => Tone::Neutral,
                _ => Tone::Bad,
            };
            self.notify_begun_by(&rollout.requested_by, tone, told);
        }
        Ok(true)
    }

    async fn carry_out(
        &self,
        rollout: &mut Rollout,
        next: Next,
        OpsUnderWay(ops): &OpsUnderWay,
    ) -> Result<bool, StoreError> {
        match next {
            Next::Start(host)
                if !self.hub.is_ready(host) && self.rollout_driver.in_grace_period(self.clock.now()) =>
            {
                Ok(false)
            }
            Next::Start(host) => self.begin(rollout, host).await,
            Next::Send(_, op) => match ops.get(&op) {
                Some(op) => Ok(self.send(op).await?.is_some()),
                None => Ok(false),
            },
            Next::Cancel(_, op) => match ops.get(&op) {
                Some(op) => self.take_back(op, SERVER).await,
                None => Ok(false),
            },
            Next::Skip(host, why) => self.skip(rollout, host, why).await,
        }
    }

    async fn skip(&self, rollout: &mut Rollout, host: HostId, why: String) -> Result<bool, StoreError> {
        self.step(rollout, host, &RolloutStep::Waiting, RolloutStep::Skipped { why }).await
    }

    /// Begins a host, as a person's request would. A host that is busy or whose op is refused is skipped with the reason.
    async fn begin(&self, rollout: &mut Rollout, host: HostId) -> Result<bool, StoreError> {
        let Some(record) = self.store.host(host).await? else {
            return self.skip(rollout, host, REMOVED.to_owned()).await;
        };
        let Some(turn) = rollout.hosts.iter().find(|turn| turn.host == host) else { return Ok(false) };
        if let Some(why) = self.rolled_back_since(rollout, host).await? {
            return self.skip(rollout, host, why).await;
        }
        let request = NewRequest {
            by: rollout.requested_by.clone(),
            reason: rollout.reason.clone(),
            ..NewRequest::of(turn.action.clone())
        };
        self.begin_on(rollout, &record, request).await
    }

    /// Why a host that was rolled back since the roll-out began is not switched again: a person rolled it back, perhaps because of
    /// what is being rolled out.
    async fn rolled_back_since(&self, rollout: &Rollout, host: HostId) -> Result<Option<String>, StoreError> {
        if !rollout.kind.switches() {
            return Ok(None);
        }
        let latest = self.store.last_system_op(host).await?;
        let since =
            latest.filter(|op| op.action.kind() == OpKind::Rollback && op.created_at >= rollout.created_at);
        Ok(since.map(|op| {
            format!(
                "{} requested {} after this roll-out began. To include the host, switch it on its own page.",
                op.requested_by,
                op.title()
            )
        }))
    }

    async fn begin_on(
        &self,
        rollout: &mut Rollout,
        host: &HostRecord,
        request: NewRequest,
    ) -> Result<bool, StoreError> {
        let (op, verdict) = self.validated(host, request);
        let step = match &verdict {
            Ok(()) => RolloutStep::Running { op: op.id },
            Err(blocked) => RolloutStep::Skipped { why: blocked.to_string() },
        };
        let entry = request_entry(&op, &host.name);
        let op = match self.store.begin_in_rollout(rollout.id, &step, &op, &entry).await {
            Ok(Some(op)) => op,
            Ok(None) => return self.stepped(rollout, host.id, None).await,
            Err(InsertOpError::HostBusy(first)) => {
                return self.skip(rollout, host.id, busy_with(&first)).await;
            }
            Err(InsertOpError::Store(error)) => return Err(error),
        };
        self.stepped(rollout, host.id, Some(step)).await?;
        self.publish_op(&op).await;
        if verdict.is_ok() {
            self.send(&op).await?;
        }
        Ok(true)
    }
}
