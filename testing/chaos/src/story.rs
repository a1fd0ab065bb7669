//! One schedule, from the request until everything is at rest again.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use backstay_model::{OpKind, OpStatus};
use tokio::time::Instant;

use crate::ledger::StoredOp;
use crate::means::Disk;
use crate::proxy::{Sighting, Treatment};
use crate::schedule::{Ask, Fault, Mishap, Schedule, Step};
use crate::script::{self, Count};
use crate::world::{HOST, LOOK_EVERY, World};

/// Time after which something that does not come to rest counts as stuck: longer than an agent ever waits
/// before it reconnects, even on a busy machine.
const STUCK_AFTER: Duration = Duration::from_mins(3);
/// Duration of a stall.
const STALL: Duration = Duration::from_millis(300);
/// Time after which an op that the host's journal does not know counts as lost for good.
const LOST_AFTER: Duration = Duration::from_secs(3);
/// Duration of a full disk.
const FULL: Duration = Duration::from_millis(400);

/// The state before the op, and the expected state after it.
#[derive(Debug, Clone)]
pub(crate) struct Before {
    /// The current generation.
    seen: u32,
    /// The newest generation of the other build.
    pub(crate) target: u32,
    /// The other build.
    pub(crate) build: PathBuf,
    /// The commit that the checkout should be at.
    pub(crate) commit: String,
    pub(crate) count: Count,
    pub(crate) marker: String,
}

/// False if the host's agent is away on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Host {
    There,
    Away,
}

/// Runs a schedule in a world, and waits until everything is at rest. Returns the state before, the op, and
/// the faults that really happened: not every fault finds its occasion.
pub(crate) async fn tell(world: &mut World, schedule: &Schedule) -> Result<(Before, StoredOp, Vec<Mishap>)> {
    let before = prepare(world, schedule).await?;
    let previous = world.ledger.newest().await?.map(|op| op.id);
    let wanted = schedule.mishaps.iter().map(|mishap| mishap.step);
    world.proxy.want(wanted.filter(|step| !matches!(step, Step::Waiting | Step::Running)).collect());
    while world.proxy.sightings.try_recv().is_ok() {}
    let mut story = Story { left: schedule.mishaps.clone(), lost_since: None };

    if schedule.at(Step::Waiting).next().is_some() {
        world.agent.take_away().await?;
        ask(world, schedule, &before).await?;
        for fault in story.take(Step::Waiting) {
            story.happen(world, fault, Host::Away).await?;
        }
        world.revive().await?;
    } else {
        ask(world, schedule, &before).await?;
    }
    let op = story.until_rest(world, previous.as_deref()).await;
    restore(world).await?;
    world.counted = Some(Count::of(&world.host));
    let happened = schedule.mishaps.iter().filter(|mishap| !story.left.contains(mishap));
    Ok((before, op?, happened.copied().collect()))
}

async fn prepare(world: &mut World, schedule: &Schedule) -> Result<Before> {
    world.told += 1;
    let marker = format!("op-{}", world.told);
    let count = Count::of(&world.host);
    if world.counted.is_some_and(|counted| counted != count) {
        bail!("the op before was carried out once more, after its end");
    }
    script::write_during(&world.host, schedule, &marker)?;
    if schedule.at(Step::Running).next().is_some() {
        script::hold(&world.host)?;
    }
    let build = world.other_build()?;
    let commit =
        if schedule.ask.pulls() { world.upstream.commit(&marker).await? } else { world.head().await? };
    world.ready(&commit, &build)?;
    Ok(Before { seen: world.current()?, target: world.newest_of(&build)?, build, commit, count, marker })
}

async fn ask(world: &World, schedule: &Schedule, before: &Before) -> Result<()> {
    match schedule.ask {
        Ask::Switch | Ask::Pull | Ask::PullSwitch | Ask::Test => {
            world.person.post("request_op", &[("host", HOST), ("kind", kind(schedule.ask).as_str())]).await
        }
        Ask::Rollback => {
            let meant = |number: u32| -> Result<String> {
                Ok(format!("{number} {}", world.store_path(number)?.display()))
            };
            let (target, seen) = (meant(before.target)?, meant(before.seen)?);
            let fields = [
                ("host", HOST),
                ("target", &target),
                ("seen", &seen),
                ("reason", &before.marker),
                ("back", "/"),
            ];
            world.person.post("request_rollback", &fields).await
        }
    }
}

fn kind(ask: Ask) -> OpKind {
    match ask {
        Ask::Rollback => OpKind::Rollback,
        Ask::Switch => OpKind::Switch,
        Ask::Pull => OpKind::Pull,
        Ask::PullSwitch => OpKind::PullSwitch,
        Ask::Test => OpKind::Test,
    }
}

/// Resets clocks and disks, and releases what is held.
async fn restore(world: &mut World) -> Result<()> {
    world.proxy.want(vec![]);
    free(world)?;
    world.server_clock.set(0)?;
    world.agent_clock.set(0)?;
    script::let_go(&world.host)?;
    world.revive().await
}

/// A running schedule.
struct Story {
    /// The faults that have not happened yet.
    left: Vec<Mishap>,
    lost_since: Option<Instant>,
}

impl Story {
    async fn until_rest(&mut self, world: &mut World, previous: Option<&str>) -> Result<StoredOp> {
        let stuck = Instant::now() + STUCK_AFTER;
        loop {
            tokio::select! {
                Some(sighting) = world.proxy.sightings.recv() => self.stop_message(world, sighting).await?,
                () = tokio::time::sleep(LOOK_EVERY) => {
                    world.revive().await?;
                    if script::is_holding(&world.host) {
                        self.in_the_middle(world).await?;
                    }
                    let op = over(world, previous).await;
                    if let Some(op) = op.filter(|op| self.is_final(op)) {
                        return Ok(op);
                    }
                }
            }
            if Instant::now() > stuck {
                bail!("stuck: {}", still(world).await);
            }
        }
    }

    /// Whether a closed op is final. A lost op may be found as soon as its host is back.
    fn is_final(&mut self, op: &StoredOp) -> bool {
        if op.status != OpStatus::Lost {
            return true;
        }
        self.lost_since.get_or_insert_with(Instant::now).elapsed() > LOST_AFTER
    }

    /// Takes the remaining faults of a step, which count as having happened from here on.
    fn take(&mut self, step: Step) -> Vec<Fault> {
        let faults =
            self.left.iter().filter(|mishap| mishap.step == step).map(|mishap| mishap.fault).collect();
        self.left.retain(|mishap| mishap.step != step);
        faults
    }

    /// The host pauses in the middle of the op. The faults of this step happen, and the op continues. A full
    /// disk stays full until it has continued for a while.
    async fn in_the_middle(&mut self, world: &mut World) -> Result<()> {
        let faults = self.take(Step::Running);
        let (full, others): (Vec<_>, Vec<_>) = faults.into_iter().partition(|fault| fault.is_full_disk());
        for fault in others {
            self.happen(world, fault, Host::There).await?;
        }
        for fault in &full {
            fill(world, *fault).await?;
        }
        script::let_go(&world.host)?;
        if !full.is_empty() {
            tokio::time::sleep(FULL).await;
            free(world)?;
        }
        Ok(())
    }

    /// A message is stopped at a step. The faults of this step happen, and decide the fate of the message.
    async fn stop_message(&mut self, world: &mut World, sighting: Sighting) -> Result<()> {
        let Sighting { step, treat } = sighting;
        let place = self.left.iter().position(|mishap| mishap.step == step);
        let Some(fault) = place.map(|place| self.left.remove(place).fault) else {
            let _ = treat.send(Treatment::Pass);
            return Ok(());
        };
        let treatment = match fault {
            Fault::Repeat => Treatment::Repeat,
            Fault::Overtake => Treatment::Overtake,
            Fault::Lose => Treatment::Lose,
            Fault::Cut => Treatment::Cut,
            Fault::Stall => Treatment::Stall(STALL),
            Fault::ServerHalfOpen => Treatment::ServerHalfOpen,
            Fault::AgentHalfOpen => Treatment::AgentHalfOpen,
            Fault::ServerDiskFull | Fault::AgentDiskFull => {
                fill(world, fault).await?;
                let _ = treat.send(Treatment::Pass);
                tokio::time::sleep(FULL).await;
                return free(world);
            }
            other => {
                self.happen(world, other, Host::There).await?;
                match other {
                    Fault::ServerClock(_) | Fault::AgentClock(_) | Fault::Cancel | Fault::Reexec => {
                        Treatment::Pass
                    }
                    // One of the two ends is dead.
                    _ => Treatment::Cut,
                }
            }
        };
        // The connection may be gone by now.
        let _ = treat.send(treatment);
        Ok(())
    }

    /// Makes a fault happen that does not concern a message.
    async fn happen(&self, world: &mut World, fault: Fault, host: Host) -> Result<()> {
        match fault {
            Fault::KillAgent => world.agent.kill().await?,
            Fault::KillServer => world.server.kill().await?,
            Fault::KillBoth => {
                world.server.kill().await?;
                world.agent.kill().await?;
            }
            Fault::StopAgent => world.agent.stop().await?,
            Fault::StopServer => world.server.stop().await?,
            Fault::Cut => world.proxy.treat_now(Treatment::Cut),
            Fault::Stall => world.proxy.treat_now(Treatment::Stall(STALL)),
            Fault::ServerHalfOpen => world.proxy.treat_now(Treatment::ServerHalfOpen),
            Fault::AgentHalfOpen => world.proxy.treat_now(Treatment::AgentHalfOpen),
            Fault::ServerClock(jump) => world.server_clock.set(jump.seconds())?,
            Fault::AgentClock(jump) => world.agent_clock.set(jump.seconds())?,
            Fault::Cancel => cancel(world).await?,
            Fault::RestartUnit => world.agent.restart().await?,
            Fault::Reexec => world.agent.reexec().await?,
            Fault::LoseOp => world.agent.lose_op().await?,
            // These concern a message, are caused by the op itself, or last for a while.
            Fault::Repeat
            | Fault::Overtake
            | Fault::Lose
            | Fault::OpKillsAgent
            | Fault::OpStopsAgent
            | Fault::OpReexecs
            | Fault::ServerDiskFull
            | Fault::AgentDiskFull => {}
        }
        // A host that is away on purpose returns later.
        match host {
            Host::There => world.revive().await,
            Host::Away => world.server.revive().map(drop),
        }
    }
}

/// Fills the disk that the fault affects.
async fn fill(world: &World, fault: Fault) -> Result<()> {
    let disk = if fault == Fault::ServerDiskFull {
        world.ledger.shorten_log().await;
        &world.server_disk
    } else {
        &world.agent_disk
    };
    disk.as_ref().map_or(Ok(()), Disk::fill)
}

/// Frees both disks.
fn free(world: &World) -> Result<()> {
    [&world.server_disk, &world.agent_disk].into_iter().flatten().try_for_each(Disk::free)
}

/// Cancels the newest op. It is no error if the op is over already.
async fn cancel(world: &World) -> Result<()> {
    let Some(op) = world.ledger.newest().await? else { return Ok(()) };
    world.server_listens().await?;
    match world.person.post("cancel_op", &[("id", &op.id)]).await {
        Err(error) if error.to_string().contains("409") => Ok(()),
        asked => asked,
    }
}

/// Returns the op once it is closed and its host has nothing more to report.
async fn over(world: &World, previous: Option<&str>) -> Option<StoredOp> {
    // A database during a restart or on a full disk is read again.
    let op = world.ledger.newest().await.ok().flatten()?;
    let is_ours = previous != Some(op.id.as_str());
    let is_closed = is_ours && !op.status.is_open();
    (is_closed && world.journal_is_empty().unwrap_or(false)).then_some(op)
}

/// The conditions of rest.
async fn still(world: &World) -> String {
    let op = match world.ledger.newest().await {
        Ok(Some(op)) => format!("the op is {} ({})", op.status, op.message),
        Ok(None) => "there is no op".to_owned(),
        Err(error) => format!("the database cannot be read ({error})"),
    };
    let journal = match world.journal_is_empty() {
        Ok(true) => "the journal is empty".to_owned(),
        Ok(false) => "the journal holds an op".to_owned(),
        Err(error) => format!("the journal cannot be read ({error})"),
    };
    format!("{op}, {journal}, after {} s", STUCK_AFTER.as_secs())
}

/// Whether the server knows the host's position: its generation, what runs, and its checkout's commit.
async fn agree(world: &World) -> Result<bool> {
    let Some(facts) = world.ledger.facts().await? else { return Ok(false) };
    let running = fs::read_link(&world.host.running)?;
    Ok(facts.current().map(|generation| generation.number) == Some(world.current()?)
        && facts.running == Some(running.to_string_lossy().into_owned())
        && facts.checkout.map(|checkout| checkout.commit.0) == Some(world.head().await?))
}

/// Waits until the server and the host agree on the host's position, so that the next op starts from there.
pub(crate) async fn settle(world: &World) -> Result<()> {
    world.forget_generations().await?;
    world.server_listens().await?;
    let agreed = async {
        loop {
            if agree(world).await? && world.ledger.open_ops().await? == 0 {
                return anyhow::Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(STUCK_AFTER, agreed)
        .await
        .context("the server does not learn where the host is, or the host stays busy")?
}
