//! Ops in a table.

use std::collections::HashSet;

use backstay_model::wire::limits::few;
use backstay_model::{OpId, OpKind, OpStatus, OpView, RolloutId};
use leptos::prelude::*;

use super::rollout::what;
use crate::components::{Day, Moment, OpLink, OpNow, OpStatusBadge, Took, linked};
use crate::routes::Route;
use crate::time::use_time;

/// Ops, newest first. Rows change in place, so that people do not lose the one that they are reading.
#[component]
pub fn OpList(
    /// The ops.
    #[prop(into)]
    ops: Signal<Vec<OpView>>,
    /// Whether to show the host of each op.
    #[prop(optional)]
    of_hosts: bool,
    /// Whether the ops of a roll-out take one row.
    #[prop(optional)]
    fold: bool,
) -> impl IntoView {
    let time = use_time();
    let rows = Memo::new(move |_| {
        ops.with(|ops| {
            let day = |op: &OpView| of_hosts.then(|| time.day(op.created_at));
            rows(ops, day, fold)
        })
    });
    view! {
        <table class="plain ops">
            <thead>
                <tr>
                    <th scope="col">"Op"</th>
                    {of_hosts.then(|| view! { <th scope="col">"Host"</th> })}
                    <th scope="col">"Status"</th>
                    <th scope="col">"When"</th>
                    <th scope="col">"Who"</th>
                    <th scope="col">"Result"</th>
                </tr>
            </thead>
            <tbody>
                <For each=move || rows.get() key=|row| *row let:row>
                    {match row {
                        Row::Day(day) => view! { <tr class="day"><th colspan="6" scope="rowgroup"><Day day/></th></tr> }.into_any(),
                        Row::Op(id) => view! { <OpRow ops id of_hosts/> }.into_any(),
                        Row::Rollout(id) => view! { <RolloutRow ops id/> }.into_any(),
                    }}
                </For>
            </tbody>
        </table>
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Row {
    /// A day, in days since 1970, above its ops.
    Day(i64),
    Op(OpId),
    /// The ops of a roll-out, where the newest of them is.
    Rollout(RolloutId),
}

fn rows(ops: &[OpView], day: impl Fn(&OpView) -> Option<i64>, fold: bool) -> Vec<Row> {
    let (mut rows, mut last) = (Vec::new(), None);
    let mut folded = HashSet::new();
    for op in ops {
        let rollout = op.rollout.filter(|_| fold);
        if rollout.is_some_and(|id| !folded.insert(id)) {
            continue;
        }
        if let Some(day) = day(op).filter(|day| last.replace(*day) != Some(*day)) {
            rows.push(Row::Day(day));
        }
        rows.push(rollout.map_or(Row::Op(op.id), Row::Rollout));
    }
    rows
}

/// The ops of a roll-out in one row. Its page has each of them.
#[component]
fn RolloutRow(ops: Signal<Vec<OpView>>, id: RolloutId) -> impl IntoView {
    let folded = move || {
        ops.with(|ops| {
            let mine: Vec<_> = ops.iter().filter(|op| op.rollout == Some(id)).collect();
            // The oldest one that is not of its tests says what the roll-out does, and who started it.
            let first = mine.iter().rfind(|op| op.action.kind() != OpKind::Test).or(mine.last())?;
            Some(
                view! {
                    <th scope="row"><a href=Route::OneRollout(id).path()>{what(first.action.kind())}</a></th>
                    <td data-title="Host">{on_hosts(&mine)}</td>
                    <td class="status-cell">{counts(&mine)}</td>
                    <td class="time" data-title="When"><Moment at=first.created_at/></td>
                    <td data-title="Who"><bdi>{first.requested_by.clone()}</bdi></td>
                    <td class="outcome-cell">"Roll-out"</td>
                }
                .into_any(),
            )
        })
    };
    view! { <tr data-rollout=id.to_string()>{folded}</tr> }
}

/// “gpc0, imac0 and 3 more”.
fn on_hosts(ops: &[&OpView]) -> String {
    let mut names: Vec<_> = ops.iter().map(|op| op.host_name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    few(&names)
}

/// “1 open, 1 did not succeed, 8 succeeded”.
fn counts(ops: &[&OpView]) -> String {
    let count = |is: fn(OpStatus) -> bool| ops.iter().filter(|op| is(op.status)).count();
    let (open, well) = (count(OpStatus::is_open), count(|status| status == OpStatus::Succeeded));
    let counts = [(open, "open"), (ops.len() - open - well, "did not succeed"), (well, "succeeded")];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    counts.map(|(count, words)| format!("{count} {words}")).collect::<Vec<_>>().join(", ")
}

#[component]
fn OpRow(ops: Signal<Vec<OpView>>, id: OpId, of_hosts: bool) -> impl IntoView {
    let found = move |ops: &Vec<OpView>| ops.iter().find(|op| op.id == id).cloned();
    let Some(first) = ops.with_untracked(found) else { return ().into_any() };
    let op = {
        let first = first.clone();
        Memo::new(move |_| ops.with(found).unwrap_or_else(|| first.clone()))
    };
    let outcome = move || {
        op.with(|op| {
            let duration = op
                .started_at
                .zip(op.finished_at)
                .map(|(from, to)| view! { " "<span class="took">"in "<Took from to/></span> });
            let why =
                op.reason.clone().map(|reason| view! { <span class="why">"“"{linked(&reason)}"”"</span> });
            view! { {op.message.clone()} {duration} {why} }.into_any()
        })
    };
    let host = first.host_name.clone();
    view! {
        <tr data-op=first.action.kind().as_str() data-id=id.to_string()>
            <th scope="row"><OpLink op=first.clone()/></th>
            {of_hosts.then(|| view! { <td data-title="Host"><a href=Route::Host(&host).path()>{host.clone()}</a></td> })}
            <td class="status-cell"><OpStatusBadge op/><OpNow op/></td>
            <td class="time" data-title="When"><Moment at=first.created_at/></td>
            <td data-title="Who"><bdi>{first.requested_by}</bdi></td>
            <td class="outcome-cell" dir="auto">{outcome}</td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use backstay_model::{OpAction, sample};

    use super::*;

    fn op(host: &str, status: OpStatus, rollout: Option<RolloutId>) -> OpView {
        OpView { host_name: host.into(), rollout, ..sample::op(OpAction::Switch, status) }
    }

    #[test]
    fn a_roll_out_is_one_row_where_its_newest_op_is() {
        let rollout = RolloutId::new();
        let id = Some(rollout);
        let ops = [
            op("gpc0", OpStatus::Running, id),
            op("hsb0", OpStatus::Succeeded, None),
            op("imac0", OpStatus::Succeeded, id),
        ];
        let folded = [Row::Day(7), Row::Rollout(rollout), Row::Op(ops[1].id)];
        assert_eq!(rows(&ops, |_| Some(7), true), folded);
        assert_eq!(rows(&ops, |_| None, false), ops.each_ref().map(|op| Row::Op(op.id)));
    }

    #[test]
    fn the_ops_of_a_roll_out_are_counted() {
        let ops = [
            op("imac0", OpStatus::Running, None),
            op("gpc0", OpStatus::Failed, None),
            op("gpc0", OpStatus::Succeeded, None),
        ];
        let ops: Vec<_> = ops.iter().collect();
        assert_eq!(counts(&ops), "1 open, 1 did not succeed, 1 succeeded");
        assert_eq!(on_hosts(&ops), "gpc0, imac0");
    }
}
