//! Output lines: each is stored once, in any order of arrival.

use backstay_model::{OpAction, OpId, OutputLine, Stream};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::Bench;
use super::fixture::{at, enrolled, queued, take};
use crate::store::{Appended, Store};

fn line(seq: u64) -> OutputLine {
    let stream = [Stream::Agent, Stream::Stdout, Stream::Stderr][usize::try_from(seq % 3).unwrap()];
    OutputLine { seq, stream, at: at(0), text: format!("line {seq} → ‘’") }
}

fn lines(seqs: impl IntoIterator<Item = u64>) -> Vec<OutputLine> {
    seqs.into_iter().map(line).collect()
}

async fn an_op(store: &dyn Store) -> OpId {
    let host = enrolled(store, "gpc0").await.id;
    queued(store, host, OpAction::Switch).await.id
}

pub(super) async fn repeated_lines_are_stored_once(bench: &mut impl Bench) {
    let store = bench.store();
    let op = an_op(&*store).await;
    assert_eq!(store.append_output(op, &[]).await.unwrap().through, 0);
    let all = Appended { through: 3, new: vec![1, 2, 3] };
    assert_eq!(store.append_output(op, &lines(1..=3)).await.unwrap(), all);
    let none = Appended { through: 3, new: vec![] };
    assert_eq!(store.append_output(op, &lines(1..=3)).await.unwrap(), none);
    let other = OutputLine { text: "something else".to_owned(), ..line(2) };
    assert_eq!(store.append_output(op, &[other, line(4), line(4)]).await.unwrap().through, 4);
    assert_eq!(store.output(op, 0, 10).await.unwrap(), lines(1..=4));
    assert_eq!(store.append_output(op, &[]).await.unwrap().through, 4);
}

pub(super) async fn a_gap_holds_the_mark_until_it_is_filled(bench: &mut impl Bench) {
    let store = bench.store();
    let op = an_op(&*store).await;
    assert_eq!(store.append_output(op, &lines([3, 4])).await.unwrap().through, 0);
    assert_eq!(store.append_output(op, &lines([1])).await.unwrap().through, 1);
    assert_eq!(store.append_output(op, &lines([6])).await.unwrap().through, 1);
    assert_eq!(store.append_output(op, &lines([2])).await.unwrap().through, 4);
    assert_eq!(store.append_output(op, &lines([5])).await.unwrap().through, 6);
    assert_eq!(store.output(op, 0, 10).await.unwrap(), lines(1..=6));
}

pub(super) async fn any_order_of_delivery_gives_the_same_output(bench: &mut impl Bench) {
    let store = bench.store();
    let host = enrolled(&*store, "gpc0").await.id;
    let deliveries = Just((1..=12).collect::<Vec<u64>>())
        .prop_shuffle()
        .prop_flat_map(|seqs| (Just(seqs), prop::collection::vec(0_usize..12, 0..6)));
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&deliveries, |(seqs, again)| {
        block_in_place(|| {
            Handle::current().block_on(async {
                let op = queued(&*store, host, OpAction::Switch).await.id;
                let mut seen = std::collections::BTreeSet::new();
                let repeated = again.iter().map(|i| seqs[*i]);
                for some in seqs.iter().copied().chain(repeated).collect::<Vec<_>>().chunks(3) {
                    seen.extend(some.iter().copied());
                    let through = (1..=12).take_while(|seq| seen.contains(seq)).last().unwrap_or(0);
                    let reported =
                        store.append_output(op, &lines(some.iter().copied())).await.unwrap().through;
                    assert_eq!(reported, through, "{seen:?}");
                }
                assert_eq!(store.output(op, 0, 100).await.unwrap(), lines(1..=12));
                take(&*store, op, &[backstay_model::OpStatus::Cancelled]).await;
            });
        });
        Ok::<_, TestCaseError>(())
    });
    outcome.unwrap();
}

pub(super) async fn lines_are_read_in_order_after_a_mark(bench: &mut impl Bench) {
    let store = bench.store();
    let op = an_op(&*store).await;
    store.append_output(op, &lines((1..=1200).rev())).await.unwrap();
    assert_eq!(store.output(op, 2, 3).await.unwrap(), lines(3..=5));
    assert_eq!(store.output(op, 0, 2000).await.unwrap(), lines(1..=1200));
    assert_eq!(store.output(op, 1200, 10).await.unwrap(), []);
    assert_eq!(store.output(op, u64::MAX, 10).await.unwrap(), []);
    assert_eq!(store.output_before(op, None, 3).await.unwrap(), lines(1198..=1200));
    assert_eq!(store.output_before(op, Some(1198), 2).await.unwrap(), lines(1196..=1197));
    assert_eq!(store.output_before(op, Some(1), 2).await.unwrap(), []);
    assert_eq!(store.output_through(op).await.unwrap(), 1200);
    assert_eq!(store.output_through(OpId::new()).await.unwrap(), 0);
}

pub(super) async fn line_numbers_start_at_one(bench: &mut impl Bench) {
    let store = bench.store();
    let op = an_op(&*store).await;
    assert_eq!(store.append_output(op, &lines([0, 1, u64::MAX])).await.unwrap().through, 1);
    assert_eq!(store.output(op, 0, 10).await.unwrap(), lines([1]));
}

pub(super) async fn lines_of_an_unknown_op_are_refused(bench: &mut impl Bench) {
    let store = bench.store();
    assert!(store.append_output(OpId::new(), &lines([1])).await.is_err());
    assert_eq!(store.output(OpId::new(), 0, 10).await.unwrap(), []);
}
