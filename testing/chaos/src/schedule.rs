//! What goes wrong, and when: drawn from a seed, always the same for the same seed.

use std::collections::BTreeMap;
use std::fmt;

use backstay_model::OpStatus;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

/// The request to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Ask {
    /// Go back to a generation with the other one of its two builds.
    Rollback,
    /// Make a new generation of the other build.
    Switch,
    /// Bring its checkout to a newer commit.
    Pull,
    /// Both, one after the other.
    PullSwitch,
    /// Run its tests.
    Test,
}

impl Ask {
    /// The weight of each: the product's main purpose most often.
    const DRAWN: [(Self, u32); 5] =
        [(Self::Rollback, 8), (Self::Switch, 4), (Self::Pull, 3), (Self::PullSwitch, 3), (Self::Test, 2)];

    /// Whether another build runs after it.
    pub(crate) fn activates(self) -> bool {
        matches!(self, Self::Rollback | Self::Switch | Self::PullSwitch)
    }

    /// Whether its checkout is at another commit after it.
    pub(crate) fn pulls(self) -> bool {
        matches!(self, Self::Pull | Self::PullSwitch)
    }

    fn draw(chance: &mut StdRng) -> Self {
        Self::DRAWN.choose_weighted(chance, |(_, weight)| *weight).map_or(Self::Rollback, |(ask, _)| *ask)
    }
}

/// What runs the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    /// This program, as its own child.
    Bare,
    /// A systemd that was booted for it.
    Systemd,
}

impl Place {
    /// The kind of world for a seed, if this machine can boot a systemd.
    pub(crate) fn of(seed: u64) -> Self {
        if seed.is_multiple_of(2) { Self::Bare } else { Self::Systemd }
    }
}

/// The step in the life of an op at which something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Step {
    /// The host is away when the op is requested.
    Waiting,
    /// The op is on its way to the host.
    Sent,
    /// The host has it, and the server does not know that yet.
    Accepted,
    /// The server knows that the host has it.
    Acknowledged,
    /// The host is in the middle of it.
    Running,
    /// Lines of it are on their way.
    Output,
    /// It has ended, and the server does not know that yet.
    Ended,
    /// The server has stored the result, and the host does not know that yet.
    Stored,
}

impl Step {
    pub(crate) const ALL: [Self; 8] = [
        Self::Waiting,
        Self::Sent,
        Self::Accepted,
        Self::Acknowledged,
        Self::Running,
        Self::Output,
        Self::Ended,
        Self::Stored,
    ];

    /// Whether a message is on its way at this step, so that it can be manipulated.
    fn has_message(self) -> bool {
        !matches!(self, Self::Waiting | Self::Running)
    }
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fault {
    KillAgent,
    KillServer,
    KillBoth,
    StopAgent,
    StopServer,
    Cut,
    /// Nothing gets through for a while, in either direction.
    Stall,
    /// The agent has lost the connection; the server sees an open, silent one.
    ServerHalfOpen,
    /// The server has lost the connection; the agent sees an open, silent one for a while.
    AgentHalfOpen,
    /// The message arrives twice.
    Repeat,
    /// The next message arrives first.
    Overtake,
    /// The message is lost, and then the connection.
    Lose,
    /// The op itself kills the agent.
    OpKillsAgent,
    /// The op itself stops the agent, as a switch that restarts it does.
    OpStopsAgent,
    /// The server's clock jumps.
    ServerClock(Jump),
    /// The host's clock jumps.
    AgentClock(Jump),
    /// The server's disk is full for a while.
    ServerDiskFull,
    /// The host's disk is full for a while.
    AgentDiskFull,
    /// A person cancels the op.
    Cancel,
    /// The agent's unit is restarted.
    RestartUnit,
    /// systemd re-executes itself.
    Reexec,
    /// The op itself makes systemd re-execute itself, as a switch to another systemd does.
    OpReexecs,
    /// All processes of the op are killed.
    LoseOp,
}

/// A jump of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Jump {
    HourAhead,
    HourBack,
    DaysAhead,
    DaysBack,
}

impl Jump {
    const ALL: [Self; 4] = [Self::HourAhead, Self::HourBack, Self::DaysAhead, Self::DaysBack];

    /// The offset, in seconds.
    pub(crate) fn seconds(self) -> i64 {
        match self {
            Self::HourAhead => 3_600,
            Self::HourBack => -3_600,
            Self::DaysAhead => 3 * 86_400,
            Self::DaysBack => -3 * 86_400,
        }
    }
}

/// The faults that this machine allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Means {
    /// The server's clock can be set.
    pub(crate) server_clock: bool,
    /// The agent's clock can be set.
    pub(crate) agent_clock: bool,
    /// Disks can be filled for one process.
    pub(crate) disks: bool,
    /// The agent is a unit of systemd.
    pub(crate) systemd: bool,
}

impl Means {
    fn place(self) -> Place {
        if self.systemd { Place::Systemd } else { Place::Bare }
    }
}

impl Fault {
    /// Every fault that this machine allows.
    pub(crate) fn all(means: Means) -> Vec<Self> {
        let mut all = vec![
            Self::KillAgent,
            Self::KillServer,
            Self::KillBoth,
            Self::StopAgent,
            Self::StopServer,
            Self::Cut,
            Self::Stall,
            Self::ServerHalfOpen,
            Self::AgentHalfOpen,
            Self::Repeat,
            Self::Overtake,
            Self::Lose,
            Self::OpKillsAgent,
            Self::OpStopsAgent,
            Self::Cancel,
        ];
        if means.server_clock {
            all.extend(Jump::ALL.map(Self::ServerClock));
        }
        if means.agent_clock {
            all.extend(Jump::ALL.map(Self::AgentClock));
        }
        if means.systemd {
            all.extend([Self::RestartUnit, Self::Reexec, Self::OpReexecs, Self::LoseOp]);
        }
        if means.disks {
            all.extend([Self::ServerDiskFull, Self::AgentDiskFull]);
        }
        all
    }

    /// Whether it can happen at a step.
    pub(crate) fn fits(self, step: Step) -> bool {
        match self {
            Self::Repeat => step.has_message(),
            // The acknowledgement has been passed on by then.
            Self::Lose => step.has_message() && step != Step::Acknowledged,
            // Only here does another message follow in the same direction.
            Self::Overtake => matches!(step, Step::Accepted | Step::Output),
            // Before and after, the host writes nothing important.
            Self::AgentDiskFull => {
                matches!(
                    step,
                    Step::Sent | Step::Accepted | Step::Acknowledged | Step::Running | Step::Output
                )
            }
            // Before, there may be nothing of the op to kill; after, it may have ended.
            Self::OpKillsAgent | Self::OpStopsAgent | Self::OpReexecs | Self::LoseOp => step == Step::Running,
            Self::Cancel => !matches!(step, Step::Ended | Step::Stored),
            // The host is away then, and so is the connection, and there is nothing to store.
            Self::ServerDiskFull
            | Self::KillAgent
            | Self::RestartUnit
            | Self::StopAgent
            | Self::KillBoth
            | Self::Cut
            | Self::Stall
            | Self::ServerHalfOpen
            | Self::AgentHalfOpen => step != Step::Waiting,
            _ => true,
        }
    }

    /// Whether it affects a disk.
    pub(crate) fn is_full_disk(self) -> bool {
        matches!(self, Self::ServerDiskFull | Self::AgentDiskFull)
    }

    /// Whether the fault allows this status of the op after this many executions.
    pub(crate) fn explains(self, status: OpStatus, executions: usize) -> bool {
        match self {
            Self::Cancel => status == OpStatus::Cancelled,
            // It was waiting or on its way when its time ran out.
            Self::ServerClock(_) => matches!(status, OpStatus::TimedOut | OpStatus::Lost) && executions == 0,
            // It was recorded and not begun when its time ran out.
            Self::AgentClock(_) => status == OpStatus::TimedOut && executions == 0,
            Self::AgentDiskFull | Self::LoseOp => status == OpStatus::Failed,
            _ => false,
        }
    }

    /// Its name in the report, without details.
    pub(crate) fn kind(self) -> String {
        match self {
            Self::ServerClock(_) => "the server's clock jumps".to_owned(),
            Self::AgentClock(_) => "the host's clock jumps".to_owned(),
            other => other.to_string(),
        }
    }
}

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Mishap {
    pub(crate) step: Step,
    pub(crate) fault: Fault,
}

/// An op and what goes wrong with it, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schedule {
    pub(crate) place: Place,
    pub(crate) ask: Ask,
    pub(crate) mishaps: Vec<Mishap>,
}

impl Schedule {
    /// Draws the schedule of a seed.
    pub(crate) fn draw(seed: u64, means: Means) -> Self {
        let mut chance = StdRng::seed_from_u64(seed);
        let ask = Ask::draw(&mut chance);
        // Each kind is equally likely, however many variants it has.
        let mut kinds = BTreeMap::<String, Vec<Fault>>::new();
        for fault in Fault::all(means) {
            kinds.entry(fault.kind()).or_default().push(fault);
        }
        let kinds: Vec<_> = kinds.into_values().collect();
        let count = *[1, 1, 2, 2, 3, 4].choose(&mut chance).unwrap_or(&1);
        let mut mishaps = vec![];
        while mishaps.len() < count {
            let kind = kinds.choose(&mut chance).and_then(|kind| kind.choose(&mut chance));
            let fault = *kind.unwrap_or(&Fault::Cut);
            let steps: Vec<_> = Step::ALL.into_iter().filter(|step| fault.fits(*step)).collect();
            let step = *steps.choose(&mut chance).unwrap_or(&Step::Running);
            let mishap = Mishap { step, fault };
            if !mishaps.contains(&mishap) {
                mishaps.push(mishap);
            }
        }
        mishaps.sort_by_key(|mishap| mishap.step);
        Self { place: means.place(), ask, mishaps }
    }

    /// Every fault at every possible step, one per schedule.
    pub(crate) fn fixed(means: Means) -> Vec<Self> {
        let all = Fault::all(means);
        let each = Step::ALL.into_iter().flat_map(|step| {
            let fitting = all.iter().copied().filter(move |fault| fault.fits(step));
            fitting.map(move |fault| Mishap { step, fault })
        });
        each.map(|mishap| Self { place: means.place(), ask: Ask::Rollback, mishaps: vec![mishap] }).collect()
    }

    pub(crate) fn at(&self, step: Step) -> impl Iterator<Item = Fault> {
        self.mishaps.iter().filter(move |mishap| mishap.step == step).map(|mishap| mishap.fault)
    }

    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.mishaps.iter().any(|mishap| mishap.fault == fault)
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rollback => "a rollback",
            Self::Switch => "a switch",
            Self::Pull => "a pull",
            Self::PullSwitch => "a pull and a switch",
            Self::Test => "a test run",
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "while the op waits for its host",
            Self::Sent => "before the host has it",
            Self::Accepted => "before its acknowledgement",
            Self::Acknowledged => "after its acknowledgement",
            Self::Running => "while it runs",
            Self::Output => "while its output is on the way",
            Self::Ended => "after it has ended",
            Self::Stored => "before the final acknowledgement",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let jump = |jump: &Jump| match jump {
            Jump::HourAhead => "an hour ahead",
            Jump::HourBack => "an hour back",
            Jump::DaysAhead => "days ahead",
            Jump::DaysBack => "days back",
        };
        f.write_str(match self {
            Self::KillAgent => "kill -9 agent",
            Self::KillServer => "kill -9 server",
            Self::KillBoth => "kill -9 both",
            Self::StopAgent => "stop the agent",
            Self::StopServer => "stop the server",
            Self::Cut => "cut the connection",
            Self::Stall => "stall the connection",
            Self::ServerHalfOpen => "half-open for the server",
            Self::AgentHalfOpen => "half-open for the agent",
            Self::Repeat => "repeat the message",
            Self::Overtake => "overtake the message",
            Self::Lose => "lose the message",
            Self::OpKillsAgent => "the op kills the agent",
            Self::OpStopsAgent => "the op stops the agent",
            Self::ServerClock(by) => return write!(f, "the server's clock jumps {}", jump(by)),
            Self::AgentClock(by) => return write!(f, "the host's clock jumps {}", jump(by)),
            Self::ServerDiskFull => "the server's disk is full",
            Self::AgentDiskFull => "the host's disk is full",
            Self::Cancel => "cancel",
            Self::RestartUnit => "systemctl restart the agent",
            Self::Reexec => "systemctl daemon-reexec",
            Self::OpReexecs => "the op makes systemd re-execute itself",
            Self::LoseOp => "kill -9 all of the op",
        })
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ask)?;
        if self.place == Place::Systemd {
            f.write_str(" under systemd")?;
        }
        for mishap in &self.mishaps {
            write!(f, "; {}, {}", mishap.fault, mishap.step)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const ALL: Means = Means { server_clock: true, agent_clock: true, disks: true, systemd: true };

    #[test]
    fn a_seed_tells_the_same_story_each_time() {
        for seed in 0..200 {
            assert_eq!(Schedule::draw(seed, ALL), Schedule::draw(seed, ALL));
        }
        assert_ne!(Schedule::draw(1, ALL), Schedule::draw(2, ALL));
    }

    #[test]
    fn everything_is_drawn_and_only_what_fits() {
        let (mut drawn, mut asks) = (BTreeSet::new(), BTreeSet::new());
        for seed in 0..20_000 {
            let schedule = Schedule::draw(seed, ALL);
            assert!((1..=4).contains(&schedule.mishaps.len()));
            assert!(schedule.mishaps.iter().all(|m| m.fault.fits(m.step)), "{schedule}");
            drawn.extend(schedule.mishaps);
            asks.insert(schedule.ask);
        }
        assert_eq!(asks, Ask::DRAWN.into_iter().map(|(ask, _)| ask).collect());
        let fixed: BTreeSet<_> = Schedule::fixed(ALL).into_iter().flat_map(|s| s.mishaps).collect();
        assert_eq!(drawn, fixed);
    }

    #[test]
    fn what_this_machine_cannot_do_is_not_drawn() {
        let means = Means { server_clock: false, agent_clock: false, disks: false, systemd: false };
        for seed in 0..2_000 {
            for mishap in Schedule::draw(seed, means).mishaps {
                assert!(!matches!(
                    mishap.fault,
                    Fault::ServerClock(_)
                        | Fault::AgentClock(_)
                        | Fault::ServerDiskFull
                        | Fault::AgentDiskFull
                        | Fault::RestartUnit
                        | Fault::Reexec
                        | Fault::OpReexecs
                        | Fault::LoseOp
                ));
            }
        }
    }

    #[test]
    fn a_schedule_can_be_read_aloud() {
        let mishaps = vec![Mishap { step: Step::Running, fault: Fault::KillAgent }];
        let schedule = Schedule { place: Place::Systemd, ask: Ask::Rollback, mishaps };
        assert_eq!(schedule.to_string(), "a rollback under systemd; kill -9 agent, while it runs");
    }
}
