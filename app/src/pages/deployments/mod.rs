//! All deployments.

mod one;

use backstay_model::deployment::Deployment;
use backstay_model::wire::event::Event;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::inside::{Loading, NotRead};
use crate::api::{DeploymentsRead, load_deployments};
use crate::components::{Moment, PageTitle, decision_words, deployment_counts};
use crate::live::{Live, Started};
use crate::routes::Route;

pub use one::DeploymentPage;

/// The deployments, newest first: what was merged, when and by whom, the results on the hosts, and the
/// decision.
#[component]
pub fn DeploymentsPage() -> impl IntoView {
    let started = expect_context::<Started>();
    let query = use_query_map();
    let before = Memo::new(move |_| query.with(|query| query.get("before")));
    let page = Resource::new_blocking(move || before.get(), load_deployments);
    view! {
        <PageTitle text="Deployments"/>
        <Transition fallback=Loading>
            {move || Suspend::new(async move {
                match started.and(page).await {
                    Ok(page) => view! { <Found page before=before.get_untracked()/> }.into_any(),
                    Err(error) => view! { <NotRead error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Found(page: DeploymentsRead, before: Option<String>) -> impl IntoView {
    let live = expect_context::<Live>();
    let older = page
        .deployments
        .last()
        .filter(|_| page.more)
        .map(|last| Route::Deployments { before: Some(last.id) }.path());
    let newest = before.is_some().then(|| Route::Deployments { before: None }.path());
    let deployments = RwSignal::new(page.deployments);
    keep_true(live, deployments, before, page.last_event);
    let ids = Memo::new(move |_| {
        deployments.with(|all| all.iter().map(|deployment| deployment.id).collect::<Vec<_>>())
    });
    let none = Memo::new(move |_| ids.with(Vec::is_empty));
    view! {
        <div class="page">
            <div class="page-head"><h1>"Deployments"</h1></div>
            <div class="table-frame card" class:empty=none>
                <table class="plain deployments">
                    <thead>
                        <tr>
                            <th scope="col">"Pull request"</th>
                            <th scope="col">"Merged"</th>
                            <th scope="col">"Who"</th>
                            <th scope="col">"Hosts"</th>
                            <th scope="col">"Decision"</th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=move || ids.get() key=|id| *id let:id>
                            {
                                let now = Memo::new(move |_| {
                                    deployments.with(|all| all.iter().find(|deployment| deployment.id == id).cloned())
                                });
                                view! { <Line deployment=now/> }
                            }
                        </For>
                    </tbody>
                </table>
            </div>
            {move || none.get().then(|| view! {
                <div class="card nothing-here">
                    <p>"No pull request has been merged here yet. Open ones are on the "<a href=Route::Fleet.path()>"fleet page"</a>"."</p>
                </div>
            })}
            <p class="paging">
                {newest.map(|newest| view! { <a class="button" href=newest>"Newest"</a> })}
                {older.map(|older| view! { <a class="button" href=older>"Older"</a> })}
            </p>
        </div>
    }
}

#[component]
fn Line(deployment: Memo<Option<Deployment>>) -> impl IntoView {
    let first = deployment.get_untracked()?;
    let hosts = move || deployment.with(|d| d.as_ref().map(deployment_counts));
    let decision = move || deployment.with(|d| d.as_ref().map(decision_words));
    let pull_request = first.pull_request;
    let cells = view! {
        <tr data-decision=move || deployment.with(|d| d.as_ref().map(|d| d.decision.as_str()))>
            <th scope="row">
                <a href=Route::Deployment(first.id).path()>{format!("#{} {}", pull_request.number, pull_request.title)}</a>
            </th>
            <td class="time" data-title="Merged"><Moment at=first.merged_at/></td>
            <td data-title="Who">{first.merged_by}</td>
            <td data-title="Hosts">{hosts}</td>
            <td data-title="Decision">{decision}</td>
        </tr>
    };
    Some(cells.into_any())
}

/// Applies the event stream: lines change, and new ones appear on the first page.
fn keep_true(live: Live, deployments: RwSignal<Vec<Deployment>>, before: Option<String>, read_through: u64) {
    let is_first = before.is_none();
    let read_again = move || {
        let before = before.clone();
        async move {
            // On failure the page stays as it is, and the next gap tries again.
            if let Ok(page) = load_deployments(before).await {
                deployments.try_set(page.deployments);
            }
        }
    };
    live.keep_true(read_through, read_again, move |event| {
        if let Event::Deployment { deployment } = event {
            deployments.try_update(|all| apply(all, deployment, is_first));
        }
        false
    });
}

/// Applies the present state of a deployment.
fn apply(all: &mut Vec<Deployment>, deployment: &Deployment, is_first: bool) {
    if let Some(known) = all.iter_mut().find(|known| known.id == deployment.id) {
        known.update(deployment.clone());
    } else if is_first && all.first().is_none_or(|newest| newest.id < deployment.id) {
        all.insert(0, deployment.clone());
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::deployment::Decision;
    use backstay_model::sample;

    use super::*;

    fn deployment(number: u64) -> Deployment {
        sample::deployment(number, "c")
    }

    #[test]
    fn a_new_one_comes_first_on_the_first_page_alone() {
        let (old, new) = (deployment(41), deployment(42));
        for (is_first, numbers) in [(true, vec![42, 41]), (false, vec![41])] {
            let mut all = vec![old.clone()];
            apply(&mut all, &new, is_first);
            assert_eq!(all.iter().map(|d| d.pull_request.number).collect::<Vec<_>>(), numbers);
        }
    }

    #[test]
    fn one_that_changes_stays_where_it_is() {
        let (old, new) = (deployment(41), deployment(42));
        let mut all = vec![new.clone(), old.clone()];
        apply(&mut all, &Deployment { decision: Decision::Superseded, ..old.clone() }, true);
        assert_eq!(all[1].decision, Decision::Superseded);
        let mut newer = vec![new];
        apply(&mut newer, &old, true);
        assert_eq!(newer.len(), 1);
    }
}
