//! Ops in every state, and their output.

use backstay_model::{CancelRequest, OpAction, OpStatus, OpView, OutputLine, Phase, Stream, sample};
use chrono::TimeDelta;

use super::{now, reference};

/// A rollback from Gen 48.
pub(in super::super) fn rollback_to(number: u32) -> OpAction {
    OpAction::Rollback { target: reference(number), seen_current: reference(48), specialisation: None }
}

/// An op that a person requested a minute ago.
pub(in super::super) fn op(action: OpAction, status: OpStatus) -> OpView {
    let began = now() - TimeDelta::seconds(42);
    let has_begun = !matches!(status, OpStatus::Queued | OpStatus::Sent | OpStatus::Blocked);
    OpView {
        requested_by: "maria".into(),
        created_at: began,
        started_at: has_begun.then_some(began),
        finished_at: (!status.is_open()).then(now),
        ..sample::op(action, status)
    }
}

/// An op in progress.
pub(in super::super) fn running(action: OpAction, phase: Phase) -> OpView {
    OpView { phase: Some(phase), ..op(action, OpStatus::Running) }
}

/// A closed op with its result.
pub(in super::super) fn closed(action: OpAction, status: OpStatus, message: &str) -> OpView {
    OpView { message: Some(message.into()), ..op(action, status) }
}

/// An op in each of its states, newest first.
pub(in super::super) fn every_op() -> Vec<OpView> {
    let waiting =
        OpView { due_at: Some(now() + TimeDelta::hours(23)), ..op(OpAction::Pull, OpStatus::Queued) };
    let stopping = OpView {
        cancel: Some(CancelRequest { by: "jonas".into(), at: now() }),
        ..running(OpAction::Switch, Phase::Building)
    };
    let reason = |op| OpView { reason: Some("X11 does not start since the last update".into()), ..op };
    vec![
        waiting,
        op(OpAction::Switch, OpStatus::Sent),
        reason(running(rollback_to(47), Phase::Activating)),
        running(OpAction::Test, Phase::Testing { done: 3, total: 8 }),
        stopping,
        reason(closed(rollback_to(47), OpStatus::Succeeded, "Rolled back to Gen 47")),
        closed(
            OpAction::Switch,
            OpStatus::Failed,
            "Gen 49 is active, but these units failed: display-manager.service.",
        ),
        OpView {
            failed_tests: vec!["gpu".into()],
            ..closed(OpAction::Test, OpStatus::Failed, "7 of 8 tests passed on Gen 48. Failed: gpu.")
        },
        closed(OpAction::PullSwitch, OpStatus::TimedOut, "It took longer than 2 h and was stopped."),
        closed(OpAction::Test, OpStatus::Cancelled, "Cancelled by jonas. Cancelling undid nothing."),
        closed(
            rollback_to(45),
            OpStatus::Blocked,
            "Gen 45 was garbage-collected. Nothing was changed. Choose another generation.",
        ),
        closed(OpAction::Switch, OpStatus::Lost, "The host has reported nothing about it for 2 h."),
    ]
}

/// Output of a program that uses everything a terminal can show.
pub(in super::super) fn output() -> Vec<OutputLine> {
    let mut lines = vec![
        (Stream::Agent, "Activating Gen 47 of /nix/var/nix/profiles/system".to_owned()),
        (Stream::Stdout, "updating GRUB 2 menu...".to_owned()),
        (Stream::Stdout, "\u{1b}[1mactivating the configuration...\u{1b}[0m".to_owned()),
        (Stream::Stderr, "warning: the following units failed: display-manager.service".to_owned()),
    ];
    for style in ["0", "1", "2", "3", "4", "7", "9"] {
        let colours = |bright: u8| {
            (0..8).fold(String::new(), |line, colour| {
                line + &format!("\u{1b}[{style};{}mletters ", bright + colour)
            })
        };
        lines.push((Stream::Stdout, format!("{}{}\u{1b}[0m", colours(30), colours(90))));
    }
    let grounds = (40..48)
        .fold(String::new(), |line, ground| line + &format!("\u{1b}[{ground}m ground \u{1b}[97mwhite "));
    lines.push((Stream::Stdout, format!("{grounds}\u{1b}[0m")));
    lines.push((Stream::Stdout, "/nix/store/a-path-that-goes-on-and-on".repeat(9)));
    let at = now() - TimeDelta::seconds(40);
    let numbered = lines.into_iter().zip(1..);
    numbered.map(|((stream, text), seq)| OutputLine { seq, stream, at, text }).collect()
}
