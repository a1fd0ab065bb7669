use proptest::prelude::*;

use super::*;
use crate::closure_diff::ClosureDiff;
use crate::comparison::{CommitLine, Commits, CommitsBetween};
use crate::sample;
use crate::wire::limits::{
    FAILED_UNITS, GENERATIONS, HASH_BYTES, INHIBITORS, LINE_BYTES, LINES_PER_MESSAGE, LINES_PER_OP,
    PATH_BYTES, PROBLEM_BYTES, SPECIALISATIONS, STORE_PATH_BYTES, TEST_NAME_BYTES, TEST_RUNS,
    TEST_TAIL_LINES, TESTS, VERSION_BYTES,
};
use crate::{Commit, Generation, GenerationRef, NoCheckout, Stream};

fn time() -> impl Strategy<Value = DateTime<Utc>> {
    (0_i64..4_000_000_000_000).prop_map(|ms| DateTime::from_timestamp_millis(ms).unwrap())
}

fn generation_ref() -> impl Strategy<Value = GenerationRef> {
    (any::<u32>(), ".{0,60}").prop_map(|(number, store_path)| GenerationRef { number, store_path })
}

fn action() -> impl Strategy<Value = OpAction> {
    prop_oneof![
        (generation_ref(), generation_ref()).prop_map(|(target, seen_current)| OpAction::Rollback {
            target,
            seen_current,
            specialisation: None
        }),
        Just(OpAction::Switch),
        Just(OpAction::Pull),
        Just(OpAction::Test),
        Just(OpAction::Refresh),
    ]
}

fn id() -> impl Strategy<Value = OpId> {
    any::<u128>().prop_map(|n| format!("{n:032x}").parse().unwrap())
}

fn line() -> impl Strategy<Value = OutputLine> {
    let stream = prop_oneof![Just(Stream::Agent), Just(Stream::Stdout), Just(Stream::Stderr)];
    (1..=LINES_PER_OP, stream, time(), ".{0,200}").prop_map(|(seq, stream, at, text)| OutputLine {
        seq,
        stream,
        at,
        text,
    })
}

fn phase() -> impl Strategy<Value = Phase> {
    prop_oneof![
        Just(Phase::Checking),
        Just(Phase::Activating),
        (any::<u32>(), any::<u32>()).prop_map(|(done, total)| Phase::Testing { done, total }),
    ]
}

fn generation() -> impl Strategy<Value = Generation> {
    (
        generation_ref(),
        time(),
        any::<(bool, bool, bool, bool)>(),
        proptest::option::of(".{0,30}"),
        r"\PC{0,10}",
    )
        .prop_map(|(g, created_at, (current, booted, present, needs_reboot), commit, inhibitor)| {
            Generation {
                number: g.number,
                store_path: g.store_path,
                commit: commit.map(Commit),
                tree: None,
                version: None,
                kernel: Some("6.18".into()),
                created_at,
                current,
                booted,
                present,
                needs_reboot,
                inhibitors: vec![inhibitor],
                specialisations: vec![],
            }
        })
}

fn facts() -> impl Strategy<Value = Box<Facts>> {
    (proptest::collection::vec(generation(), 0..6), time(), any::<u32>()).prop_map(
        |(generations, read_at, tests)| {
            Box::new(Facts { generations, read_at, tests_available: tests, ..sample::facts() })
        },
    )
}

fn result() -> impl Strategy<Value = OpResult> {
    let outcome = prop_oneof![
        Just(Outcome::Completed),
        Just(Outcome::Failed),
        Just(Outcome::Refused),
        Just(Outcome::TimedOut),
        Just(Outcome::Cancelled)
    ];
    let commit = proptest::option::of("[0-9a-f]{40}".prop_map(Commit));
    (outcome, any::<Option<i32>>(), commit, ".{0,80}", time(), time()).prop_map(
        |(outcome, exit_code, commit, message, started_at, finished_at)| OpResult {
            outcome,
            exit_code,
            commit,
            message,
            started_at,
            finished_at,
        },
    )
}

fn pair() -> impl Strategy<Value = Pair> {
    let reference = || ("[a-z0-9/-]{1,30}", any::<u32>());
    let made = |(store_path, number)| GenerationRef { number, store_path };
    (reference(), reference()).prop_map(move |(from, to)| Pair { from: made(from), to: made(to) })
}

fn comparison() -> impl Strategy<Value = Comparison> {
    let packages = r"\PC{0,80}".prop_map(|text| match ClosureDiff::parse(&text) {
        diff if diff.left_out == 0 => Ok(diff),
        _ => Err(text),
    });
    let line = ("[0-9a-f]{40}", r"\PC{0,40}")
        .prop_map(|(commit, subject)| CommitLine { commit: Commit(commit), subject });
    let commits = (proptest::collection::vec(line, 0..4), any::<u32>())
        .prop_map(|(newest, more)| Commits { newest, more });
    (packages, commits, any::<bool>()).prop_map(|(packages, gained, same_files)| Comparison {
        packages,
        commits: Ok(CommitsBetween { gained, same_files, ..CommitsBetween::default() }),
        ..Comparison::unknown("not asked")
    })
}

fn agent_message() -> impl Strategy<Value = AgentMessage> {
    let platform = proptest::sample::select(Platform::ALL.to_vec());
    prop_oneof![
        (any::<u32>(), r"\PC{0,20}", "[a-z][a-z0-9]{0,20}", platform, any::<Option<u64>>()).prop_map(
            |(protocol, agent_version, name, platform, instance)| {
                AgentMessage::Hello(Hello { protocol, agent_version, name, platform, instance })
            }
        ),
        (proptest::collection::vec(id(), 0..4), proptest::collection::vec(id(), 0..4))
            .prop_map(|(ops, damaged)| AgentMessage::Journal { ops, damaged }),
        facts().prop_map(|facts| AgentMessage::Facts { facts }),
        id().prop_map(|op| AgentMessage::Accepted { op }),
        (id(), phase()).prop_map(|(op, phase)| AgentMessage::Progress { op, phase }),
        (id(), proptest::collection::vec(line(), 0..8))
            .prop_map(|(op, lines)| AgentMessage::Output { op, lines }),
        (id(), result(), any::<u64>(), facts())
            .prop_map(|(op, result, lines, facts)| AgentMessage::Finished { op, result, lines, facts }),
        (pair(), comparison())
            .prop_map(|(pair, comparison)| AgentMessage::Compared { pair, comparison: Box::new(comparison) }),
    ]
}

fn server_message() -> impl Strategy<Value = ServerMessage> {
    prop_oneof![
        ".{0,20}".prop_map(|server_version| ServerMessage::Welcome { server_version, host: HostId::new() }),
        ".{0,80}".prop_map(|reason| ServerMessage::Refused { reason }),
        (id(), action(), any::<u64>(), any::<Option<u64>>()).prop_map(
            |(op, action, timeout_secs, test_timeout_secs)| ServerMessage::Run {
                op,
                action,
                timeout_secs,
                test_timeout_secs,
            }
        ),
        id().prop_map(|op| ServerMessage::Cancel { op }),
        (id(), any::<u64>()).prop_map(|(op, through)| ServerMessage::OutputStored { op, through }),
        (id(), any::<u64>()).prop_map(|(op, after)| ServerMessage::OutputMissing { op, after }),
        id().prop_map(|op| ServerMessage::FinishStored { op }),
        Just(ServerMessage::ReportFacts),
        pair().prop_map(|pair| ServerMessage::Compare { pair }),
        (any::<u64>(), ".{0,40}").prop_map(|(number, message)| ServerMessage::PrReverted { number, message }),
    ]
}

proptest! {
    #[test]
    fn an_agents_message_survives_the_round_trip(message in agent_message()) {
        let sent = message.encode().unwrap();
        prop_assert_eq!(AgentMessage::decode(&sent).unwrap().encode().unwrap(), without_nul(&sent));
    }

    #[test]
    fn a_servers_message_survives_the_round_trip(message in server_message()) {
        let sent = message.encode().unwrap();
        prop_assert_eq!(ServerMessage::decode(&sent).unwrap().encode().unwrap(), without_nul(&sent));
    }

    #[test]
    fn garbage_never_panics(text in ".{0,400}") {
        let _ = AgentMessage::decode(&text);
        let _ = ServerMessage::decode(&text);
    }

    /// Nearly valid garbage reaches deeper than random text.
    #[test]
    fn a_damaged_message_never_panics(message in agent_message(), at in any::<prop::sample::Index>(), with in any::<char>()) {
        let mut chars: Vec<char> = message.encode().unwrap().chars().collect();
        let at = at.index(chars.len());
        chars[at] = with;
        let _ = AgentMessage::decode(&chars.into_iter().collect::<String>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Cut facts are within the limits, so the server never rejects them.
    #[test]
    fn facts_cut_by_an_agent_are_accepted_unchanged(
        texts in proptest::collection::vec(".{0,40}", 0..4),
        times in 1_usize..12,
        number in 1_usize..250,
    ) {
        let long: Vec<String> = texts.iter().map(|text| text.repeat(times)).collect();
        let mut facts = overflowing(&long, number);
        facts.cut_to_limits();
        let message = AgentMessage::Facts { facts: Box::new(facts) };
        let json = serde_json::to_string(&message).unwrap();
        prop_assume!(json.len() <= MESSAGE_BYTES);
        prop_assert_eq!(AgentMessage::decode(&json).unwrap().encode().unwrap(), without_nul(&json));
    }
}

/// Facts with these texts, in lists of this length.
fn overflowing(texts: &[String], number: usize) -> Facts {
    let list: Vec<String> =
        texts.iter().cycle().take(if texts.is_empty() { 0 } else { number }).cloned().collect();
    let generation = |at: usize| Generation {
        version: texts.first().cloned(),
        inhibitors: list.iter().take(INHIBITORS + 2).cloned().collect(),
        specialisations: list.iter().take(SPECIALISATIONS + 2).cloned().collect(),
        current: at + 1 == number,
        ..sample::generation(u32::try_from(at).unwrap(), 0)
    };
    let mut run = sample::test_run(1, 0, 1);
    run.results[0].tail = list.iter().take(TEST_TAIL_LINES + 2).cloned().collect();
    Facts {
        generations: (0..number).map(generation).collect(),
        test_runs: vec![run; number],
        failed_units: list.clone(),
        problems: list,
        nix_version: texts.last().cloned(),
        specialisation: texts.last().cloned(),
        switch_flake: texts.first().map(|text| text.repeat(10)),
        no_checkout: texts.first().map(|text| NoCheckout { path: text.repeat(10), why: Some(text.clone()) }),
        ..sample::facts()
    }
}

#[test]
fn the_current_generation_is_never_cut_off() {
    let mut facts = overflowing(&["x".repeat(2000)], 250);
    facts.cut_to_limits();
    assert_eq!((facts.generations.len(), facts.test_runs.len()), (GENERATIONS, TEST_RUNS));
    assert_eq!(facts.current().unwrap().number, 249);
    assert_eq!(facts.current().unwrap().version.as_ref().unwrap().len(), VERSION_BYTES);
    assert_eq!((facts.failed_units.len(), facts.problems[0].len()), (FAILED_UNITS, PROBLEM_BYTES));
    assert_eq!(facts.specialisation.unwrap().len(), VERSION_BYTES);
    assert_eq!(facts.switch_flake.unwrap().len(), PATH_BYTES);
    let none = facts.no_checkout.unwrap();
    assert_eq!((none.path.len(), none.why.unwrap().len()), (PATH_BYTES, PROBLEM_BYTES));
}

#[test]
fn identifiers_are_never_cut() {
    let refused = |change: &dyn Fn(&mut Facts)| {
        let mut facts = Facts { generations: vec![sample::generation(48, 0)], ..sample::facts() };
        facts.test_runs = vec![sample::test_run(48, 0, 1)];
        change(&mut facts);
        let json = serde_json::to_string(&AgentMessage::Facts { facts: Box::new(facts) }).unwrap();
        matches!(AgentMessage::decode(&json), Err(MessageError::OverLimit(_)))
    };
    assert!(!refused(&|_| {}));
    assert!(refused(&|facts| facts.generations[0].store_path = "x".repeat(STORE_PATH_BYTES + 1)));
    assert!(refused(&|facts| facts.generations[0].commit = Some(Commit("a".repeat(HASH_BYTES + 1)))));
    assert!(refused(&|facts| facts.running = Some("x".repeat(STORE_PATH_BYTES + 1))));
    assert!(refused(&|facts| facts.profile = "x".repeat(PATH_BYTES + 1)));
    assert!(refused(&|facts| facts.test_runs[0].results[0].name = "x".repeat(TEST_NAME_BYTES + 1)));
    assert!(refused(&|facts| facts.test_runs[0] = sample::test_run(48, 0, TESTS + 1)));
}

#[test]
fn the_wire_format_is_a_contract() {
    let id: OpId = "019b0000-0000-7000-8000-000000000001".parse().unwrap();
    let run = ServerMessage::Run {
        op: id,
        action: OpAction::Rollback {
            target: GenerationRef { number: 47, store_path: "/nix/store/a".into() },
            seen_current: GenerationRef { number: 48, store_path: "/nix/store/b".into() },
            specialisation: None,
        },
        timeout_secs: 900,
        test_timeout_secs: None,
    };
    assert_eq!(
        run.encode().unwrap(),
        concat!(
            r#"{"type":"run","op":"019b0000-0000-7000-8000-000000000001","action":{"op":"rollback","#,
            r#""target":{"number":47,"store_path":"/nix/store/a"},"#,
            r#""seen_current":{"number":48,"store_path":"/nix/store/b"}},"timeout_secs":900}"#
        )
    );
}

#[test]
fn an_unknown_op_is_rejected() {
    let text = r#"{"type":"run","op":"019b0000-0000-7000-8000-000000000001","action":{"op":"shell","command":"id"},"timeout_secs":1}"#;
    assert!(matches!(ServerMessage::decode(text), Err(MessageError::Malformed(_))));
}

#[test]
fn limits_are_kept() {
    let line = |text: String| OutputLine { seq: 1, stream: Stream::Stdout, at: sample::now(), text };
    let output = |lines| serde_json::to_string(&AgentMessage::Output { op: OpId::new(), lines }).unwrap();
    assert!(AgentMessage::decode(&output(vec![line("x".repeat(LINE_BYTES))])).is_ok());
    assert!(AgentMessage::decode(&output(vec![line("x".repeat(LINE_BYTES + 1))])).is_err());
    assert!(AgentMessage::decode(&output(vec![line(String::new()); LINES_PER_MESSAGE + 1])).is_err());
    for seq in [0, LINES_PER_OP + 1, u64::MAX] {
        assert!(
            AgentMessage::decode(&output(vec![OutputLine { seq, ..line(String::new()) }])).is_err(),
            "{seq}"
        );
    }
    assert!(matches!(AgentMessage::decode(&" ".repeat(MESSAGE_BYTES + 1)), Err(MessageError::TooLarge(_))));
    let hello = r#"{"type":"hello","protocol":1,"agent_version":"0","name":"../x","platform":"nixos"}"#;
    assert!(matches!(AgentMessage::decode(hello), Err(MessageError::OverLimit(_))));
}

#[test]
fn the_character_that_postgresql_refuses_is_replaced() {
    let backslash = "a\\u0000";
    for (text, expected) in [("a\0b\0", "a\u{1a}b\u{1a}"), (backslash, backslash), ("\\\0\"é", "\\\u{1a}\"é")]
    {
        let lines =
            vec![OutputLine { seq: 1, stream: Stream::Stdout, at: DateTime::UNIX_EPOCH, text: text.into() }];
        let sent = AgentMessage::Output { op: OpId::new(), lines }.encode().unwrap();
        let AgentMessage::Output { lines, .. } = AgentMessage::decode(&sent).unwrap() else {
            panic!("{sent}")
        };
        assert_eq!(lines[0].text, expected);
    }
    for broken in [r#"{"type": "\u0000 \é"}"#, r"\u0000\", r"\u0000 \"] {
        assert!(AgentMessage::decode(broken).is_err(), "{broken}");
    }
}
