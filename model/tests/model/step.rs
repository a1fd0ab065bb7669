//! The possible next steps, and their effects.

use backstay_model::OpStatus;
use backstay_model::wire::delivery::{
    AtHost, JournalState, OnFinished, OnRun, Reconciliation, on_due, on_finished, on_run, reconcile,
};

use crate::world::{Agent, Down, End, Journal, Session, Up, World};

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    // Ordinary steps.
    Connect,
    /// The agent notices that its connection is closed: the server is gone, or has a newer one.
    SeeClosed,
    StartAgent,
    StartServer,
    /// The server records that it sends the op. Until then it processes no journal: both happen in one step.
    Dispatch,
    /// The server sends the op, if the newest connection is ready by now.
    SendRun,
    ToServer(Session, Up),
    ToAgent(Session, Down),
    BeginOp,
    WriteLine,
    EndOp,
    StopOp,
    SendLine,
    TellEnd,

    // People and clocks.
    AskToStop,
    LosePatience,

    // Faults.
    CutConnection,
    /// The agent abandons its connection; the server does not notice, and messages to it may arrive late.
    HalfOpen,
    KillAgent,
    KillServer,
    RepeatToServer(Session, Up),
    RepeatToAgent(Session, Down),
    KillRunner,
    DamageJournal,
}

impl Step {
    /// Returns whether it happens eventually without further faults.
    pub(crate) fn is_progress(self) -> bool {
        !self.is_fault() && !matches!(self, Self::AskToStop | Self::LosePatience)
    }

    fn is_fault(self) -> bool {
        matches!(
            self,
            Self::CutConnection
                | Self::HalfOpen
                | Self::KillAgent
                | Self::KillServer
                | Self::RepeatToServer(..)
                | Self::RepeatToAgent(..)
                | Self::KillRunner
                | Self::DamageJournal
        )
    }
}

/// All possible next steps.
pub(crate) fn possible(world: &World) -> Vec<Step> {
    let mut steps = vec![];
    connection(world, &mut steps);
    delivery(world, &mut steps);
    host(world, &mut steps);
    people(world, &mut steps);
    if world.faults > 0 {
        faults(world, &mut steps);
    }
    steps
}

fn connection(world: &World, steps: &mut Vec<Step>) {
    let World { server, agent, .. } = world;
    let mut when = |condition, step| steps.extend(Some(step).filter(|_| condition));
    when(!server.up, Step::StartServer);
    when(!agent.up, Step::StartAgent);
    when(server.up && agent.up && agent.session.is_none(), Step::Connect);
    let closed = agent.session.is_some_and(|session| {
        server.newest != Some(session) && !world.to_server.contains(&(session, Up::Hello))
    });
    when(agent.up && closed, Step::SeeClosed);
    when(server.up && server.ready && server.status == OpStatus::Queued, Step::Dispatch);
    when(server.up && server.sending, Step::SendRun);
}

fn delivery(world: &World, steps: &mut Vec<Step>) {
    if world.server.up {
        let waits = |message: &Up| world.server.sending && matches!(message, Up::Journal(_));
        let heard = world.to_server.iter().filter(|(_, message)| !waits(message));
        steps.extend(heard.map(|(session, message)| Step::ToServer(*session, *message)));
    }
    let session = world.agent.session.filter(|_| world.agent.up);
    let heard = world.to_agent.iter().filter(|(on, _)| session == Some(*on));
    steps.extend(heard.map(|(session, message)| Step::ToAgent(*session, *message)));
}

fn host(world: &World, steps: &mut Vec<Step>) {
    let (host, agent) = (&world.host, &world.agent);
    let mut when = |condition, step| steps.extend(Some(step).filter(|_| condition));
    when(host.journal == Journal::Written && agent.up, Step::BeginOp);
    let runs = host.journal == Journal::Begun;
    when(runs && host.lines < world.lines_to_write, Step::WriteLine);
    when(runs && host.lines == world.lines_to_write, Step::EndOp);
    when(runs && host.cancel, Step::StopOp);
    let follows = agent.welcomed && matches!(host.journal, Journal::Begun | Journal::Ended(_));
    when(follows && agent.sent < host.lines, Step::SendLine);
    let ended = matches!(host.journal, Journal::Ended(_)) && agent.sent == host.lines;
    when(follows && ended && !agent.told_end, Step::TellEnd);
}

fn people(world: &World, steps: &mut Vec<Step>) {
    let mut when = |condition, step| steps.extend(Some(step).filter(|_| condition));
    let open = world.server.up && world.server.status.is_open();
    when(open && world.person_may_cancel, Step::AskToStop);
    when(open && world.patience_may_end, Step::LosePatience);
}

fn faults(world: &World, steps: &mut Vec<Step>) {
    let mut when = |condition, step| steps.extend(Some(step).filter(|_| condition));
    when(world.agent.session.is_some(), Step::CutConnection);
    when(world.agent.session.is_some(), Step::HalfOpen);
    when(world.agent.up, Step::KillAgent);
    when(world.server.up, Step::KillServer);
    let begun = world.host.journal == Journal::Begun;
    when(world.host_may_break && begun, Step::KillRunner);
    // An agent that follows the op has its state in memory: damage shows when the journal is read again.
    let unread = world.agent.session.is_none() && (begun || world.host.journal == Journal::Written);
    when(world.host_may_break && unread, Step::DamageJournal);
    if world.server.up {
        // A hello opens a connection, so it cannot arrive twice.
        let waits = |message: &Up| world.server.sending && matches!(message, Up::Journal(_));
        let again = world.to_server.iter().filter(|(_, message)| *message != Up::Hello && !waits(message));
        steps.extend(again.map(|(session, message)| Step::RepeatToServer(*session, *message)));
    }
    let session = world.agent.session.filter(|_| world.agent.up);
    let again = world.to_agent.iter().filter(|(on, _)| session == Some(*on));
    steps.extend(again.map(|(session, message)| Step::RepeatToAgent(*session, *message)));
}

/// Applies a step.
pub(crate) fn take(world: &mut World, step: Step) {
    world.faults -= u8::from(step.is_fault());
    match step {
        Step::Connect => connect(world),
        Step::SeeClosed | Step::HalfOpen => hang_up(world),
        Step::StartAgent => world.agent = Agent { up: true, ..Agent::default() },
        Step::StartServer => world.server.up = true,
        Step::Dispatch => {
            world.server.sending = world.server.step(OpStatus::Sent);
        }
        Step::SendRun => {
            world.server.sending = false;
            // Since the sending was recorded, the host may have reconnected, or a person may have cancelled.
            if world.server.ready {
                world.say_down(Down::Run);
            }
        }
        Step::ToServer(session, message) => {
            world.to_server.remove(&(session, message));
            hear_at_server(world, session, message);
        }
        Step::RepeatToServer(session, message) => hear_at_server(world, session, message),
        Step::ToAgent(session, message) => {
            world.to_agent.remove(&(session, message));
            hear_at_agent(world, message);
        }
        Step::RepeatToAgent(_, message) => hear_at_agent(world, message),
        Step::BeginOp => begin(world),
        Step::WriteLine => world.host.lines += 1,
        Step::EndOp => world.host.journal = Journal::Ended(End::Completed),
        Step::StopOp => world.host.journal = Journal::Ended(End::Cancelled),
        Step::SendLine => send_line(world),
        Step::TellEnd => tell_end(world),
        Step::AskToStop => ask_to_stop(world),
        Step::LosePatience => lose_patience(world),
        Step::CutConnection => cut(world),
        Step::KillAgent => world.agent = Agent::default(),
        Step::KillServer => kill_server(world),
        Step::KillRunner => world.host.journal = Journal::Ended(End::Failed),
        Step::DamageJournal => world.host.journal = Journal::Damaged,
    }
}

fn connect(world: &mut World) {
    world.sessions += 1;
    world.agent = Agent {
        session: Some(world.sessions),
        welcomed: false,
        sent: 0,
        told_end: false,
        cancelled_early: false,
        ..world.agent.clone()
    };
    world.say_up(Up::Hello);
}

fn hang_up(world: &mut World) {
    world.agent = Agent { up: true, acknowledged: world.agent.acknowledged, ..Agent::default() };
}

fn cut(world: &mut World) {
    let session = world.agent.session;
    hang_up(world);
    world.to_server.retain(|(on, _)| Some(*on) != session);
    if world.server.newest == session {
        world.server.newest = None;
        world.server.ready = false;
    }
}

fn kill_server(world: &mut World) {
    world.server.up = false;
    world.server.newest = None;
    world.server.ready = false;
    world.server.sending = false;
    world.to_server.clear();
    world.to_agent.clear();
}

fn hear_at_server(world: &mut World, session: Session, message: Up) {
    match message {
        Up::Hello => {
            world.server.newest = Some(session);
            world.server.ready = false;
            world.say_down(Down::Welcome);
        }
        Up::Journal(at_host) => journal_told(world, session, at_host),
        Up::Accepted => {
            world.server.step(OpStatus::Running);
        }
        Up::Line(number) => {
            world.server.lines[usize::from(number)] = true;
            let through = world.server.through();
            answer(world, session, Down::OutputStored(through));
        }
        Up::Finished { end, lines } => finished(world, session, end, lines),
    }
}

/// Answers on the connection of the message.
fn answer(world: &mut World, session: Session, message: Down) {
    world.to_agent.insert((session, message));
}

fn journal_told(world: &mut World, session: Session, at_host: AtHost) {
    let server = &mut world.server;
    if server.newest != Some(session) || server.ready {
        return;
    }
    server.ready = true;
    match reconcile(server.status, at_host, server.cancel_asked) {
        Reconciliation::Wait => {}
        Reconciliation::Stop => world.say_down(Down::Cancel),
        Reconciliation::Send => {
            // A queued op is dispatched in a step of its own.
            if server.status == OpStatus::Sent {
                world.say_down(Down::Run);
            }
        }
        Reconciliation::Cancel => server.said_unchanged = server.step(OpStatus::Cancelled),
        Reconciliation::MarkLost => {
            server.step(OpStatus::Lost);
        }
    }
}

fn finished(world: &mut World, session: Session, end: End, lines: u8) {
    let server = &mut world.server;
    match on_finished(server.status, server.through().into(), lines.into()) {
        OnFinished::AskForLines { after } => {
            let after = u8::try_from(after).unwrap();
            return answer(world, session, Down::OutputMissing(after));
        }
        OnFinished::Close => {
            let to = match end {
                End::Completed => OpStatus::Succeeded,
                End::Failed => OpStatus::Failed,
                End::Cancelled => OpStatus::Cancelled,
            };
            if server.step(to) {
                server.told = Some(end);
            }
        }
        OnFinished::Acknowledge => {}
    }
    answer(world, session, Down::FinishStored);
}

fn hear_at_agent(world: &mut World, message: Down) {
    match message {
        Down::Welcome => {
            world.agent.welcomed = true;
            let at_host = match world.host.journal {
                Journal::Written | Journal::Begun | Journal::Ended(_) => AtHost::Known,
                Journal::Damaged => AtHost::Damaged,
                Journal::Never | Journal::Done(_) => AtHost::Unknown,
            };
            world.say_up(Up::Journal(at_host));
            if at_host == AtHost::Known {
                world.say_up(Up::Accepted);
            }
        }
        Down::Run => run(world),
        Down::Cancel => match world.host.journal {
            Journal::Written | Journal::Begun => world.host.cancel = true,
            Journal::Never => world.agent.cancelled_early = true,
            _ => {}
        },
        Down::OutputStored(through) => {
            world.agent.acknowledged = world.agent.acknowledged.max(through);
        }
        Down::OutputMissing(after) => {
            world.agent = Agent { acknowledged: after, sent: 0, told_end: false, ..world.agent.clone() };
        }
        Down::FinishStored => {
            if let Journal::Ended(end) = world.host.journal {
                world.host.journal = Journal::Done(end);
            }
        }
    }
}

fn run(world: &mut World) {
    let known = match world.host.journal {
        Journal::Never => JournalState::Never,
        Journal::Written | Journal::Begun | Journal::Ended(_) => JournalState::Open,
        Journal::Done(_) => JournalState::Done,
        Journal::Damaged => JournalState::Damaged,
    };
    match on_run(known) {
        OnRun::Start => {
            world.host.journal = Journal::Written;
            world.host.cancel = world.agent.cancelled_early;
            world.say_up(Up::Accepted);
        }
        OnRun::Report => {
            world.agent.sent = 0;
            world.agent.told_end = false;
            world.say_up(Up::Accepted);
        }
        OnRun::ReportResult => {
            if let Journal::Done(end) = world.host.journal {
                world.say_up(Up::Finished { end, lines: 0 });
            }
        }
        OnRun::Reject => world.say_up(Up::Finished { end: End::Failed, lines: 0 }),
    }
}

fn begin(world: &mut World) {
    if world.host.cancel {
        world.host.journal = Journal::Ended(End::Cancelled);
    } else {
        world.host.journal = Journal::Begun;
        world.host.executions += 1;
    }
}

fn send_line(world: &mut World) {
    let number = world.agent.sent;
    world.agent.sent += 1;
    if number >= world.agent.acknowledged {
        world.say_up(Up::Line(number));
    }
}

fn tell_end(world: &mut World) {
    if let Journal::Ended(end) = world.host.journal {
        world.agent.told_end = true;
        world.say_up(Up::Finished { end, lines: world.host.lines });
    }
}

fn ask_to_stop(world: &mut World) {
    world.person_may_cancel = false;
    if world.server.status == OpStatus::Queued {
        world.server.said_unchanged = world.server.step(OpStatus::Cancelled);
    } else {
        world.server.cancel_asked = true;
        world.say_down(Down::Cancel);
    }
}

fn lose_patience(world: &mut World) {
    world.patience_may_end = false;
    if let Some(next) = on_due(world.server.status) {
        world.server.said_unchanged |= next == OpStatus::TimedOut;
        world.server.step(next);
    }
}
