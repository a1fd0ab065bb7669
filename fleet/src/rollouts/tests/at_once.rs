//! Hosts that work concurrently, on several threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use backstay_model::rollout::{RolloutState, RolloutStep};
use backstay_model::wire::message::{AgentMessage, ServerMessage};
use backstay_model::{Facts, OpKind, OpStatus, Outcome, sample};

use super::bench::{Bench, request};
use crate::Fleet;
use crate::state::hub::Connection;
use crate::store::OpFilter;

const HOSTS: usize = 24;
const PARALLEL: u32 = 3;

/// Number of hosts that hold a slot, and its maximum.
#[derive(Default)]
pub(super) struct Slots {
    held: AtomicUsize,
    most: AtomicUsize,
}

impl Slots {
    fn take(&self) {
        let held = self.held.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(held, Ordering::SeqCst);
    }

    fn give_back(&self) {
        self.held.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A host that runs its ops: it holds its slot from the switch to the end of the tests.
pub(super) struct Player {
    pub(super) fleet: Fleet,
    pub(super) connection: Connection,
    pub(super) facts: Facts,
    pub(super) slots: Arc<Slots>,
}

impl Player {
    async fn play(mut self) {
        while let Some(message) = self.connection.outbox.recv().await {
            let ServerMessage::Run { op, action, .. } = message else { continue };
            if action.kind() == OpKind::Switch {
                self.slots.take();
            }
            self.say(AgentMessage::Accepted { op }).await;
            tokio::task::yield_now().await;
            if action.kind() == OpKind::Test {
                self.slots.give_back();
            }
            let result = sample::op_result(Outcome::Completed, "Done.", self.facts.read_at);
            let facts = Box::new(self.facts.clone());
            self.say(AgentMessage::Finished { op, result, lines: 0, facts }).await;
        }
    }

    async fn say(&self, message: AgentMessage) {
        self.fleet.handle_message(&self.connection, message).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn never_more_than_allowed_and_each_once() {
    let names: Vec<_> = (0..HOSTS).map(|number| format!("h{number:02}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let mut bench = Bench::new(&names).await;
    let slots = Arc::new(Slots::default());
    for name in &names {
        tokio::spawn(bench.player(name, Arc::clone(&slots)).play());
    }
    tokio::spawn(bench.fleet.clone().advance_rollouts());
    let asked = request(OpKind::Switch, &names, PARALLEL);
    bench.rollout = Some(bench.fleet.start_rollout(&bench.maria, asked).await.unwrap().id);
    let end = async {
        while bench.rollout().await.state.is_open() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(2), end).await.expect("it does not end");
    let rollout = bench.rollout().await;
    assert_eq!(rollout.state, RolloutState::Done);
    assert!(rollout.hosts.iter().all(|host| matches!(host.step, RolloutStep::Ok { .. })));
    let most = slots.most.load(Ordering::SeqCst);
    assert!((2..=PARALLEL as usize).contains(&most), "{most} at once");
    for host in &rollout.hosts {
        let filter = OpFilter { host: Some(host.host), limit: 10, ..OpFilter::default() };
        let ops = bench.store.ops(&filter).await.unwrap();
        let kinds: Vec<_> = ops.iter().rev().map(|op| (op.action.kind(), op.status)).collect();
        assert_eq!(kinds, [(OpKind::Switch, OpStatus::Succeeded), (OpKind::Test, OpStatus::Succeeded)]);
    }
}
