//! The dialog that merges a pull request.

use backstay_model::pull_request::{Mergeable, UpdatePullRequest};
use backstay_model::{Action, Commit};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{NamedList, ThenRollOut};
use crate::api::MergePullRequest;
use crate::components::{
    ActionForm, ChangedInputs, Dialog, DialogEnd, DialogTrouble, PageTitle, RoleNeeded, StateBadge,
    action_from_address, changes_lock, checks, hosts_words, may_be_merged, mergeable,
};
use crate::live::{Live, Started};
use crate::routes::Route;

/// The dialog that merges the pull request that the address names.
#[component]
pub fn MergeDialog() -> impl IntoView {
    let started = expect_context::<Started>();
    let params = use_params_map();
    let number = Memo::new(move |_| params.with(|p| p.get("number")?.parse::<u64>().ok()));
    view! {
        <PageTitle text="Merge PR"/>
        <Suspense>
            {move || {
                let number = number.get();
                Suspend::new(async move {
                    let live = started.live().await.ok()?;
                    Some(view! { <Named live number/> })
                })
            }}
        </Suspense>
    }
}

#[component]
fn Named(live: Live, number: Option<u64>) -> impl IntoView {
    let found = live.pull_requests().with_untracked(|all| {
        let open = all.open.iter().find(|open| Some(open.number) == number)?;
        Some((open.clone(), format!("{} of {}", all.branch, all.repository)))
    });
    if let Some((open, branch)) = found {
        return view! { <Found live open branch/> }.into_any();
    }
    #[cfg(feature = "ssr")]
    crate::session::not_found();
    view! {
        <DialogTrouble
            title="Merge PR"
            back=Route::Fleet.path()
            sentence="No open pull request with this number updates the fleet. Nothing was merged."
        />
    }
    .into_any()
}

/// The pull request as it is now, and the commit that the person sees.
#[derive(Clone, Copy)]
struct Since {
    /// As it is now, or `None` if it is no longer open.
    now: Memo<Option<UpdatePullRequest>>,
    /// The commit that the person sees.
    seen: RwSignal<Commit>,
}

impl Since {
    /// Returns whether it is no longer at the commit that the person sees.
    fn moved(self) -> bool {
        self.now.with(|now| now.as_ref().is_some_and(|now| self.seen.with(|seen| now.head != *seen)))
    }

    fn in_the_way(self) -> bool {
        self.moved() || self.now.with(|now| !now.as_ref().is_some_and(may_be_merged))
    }
}

#[component]
fn Found(live: Live, open: UpdatePullRequest, branch: String) -> impl IntoView {
    let action = action_from_address::<MergePullRequest>();
    let (number, url) = (open.number, open.url.clone());
    let by_line = (format!("#{number} {}", open.title), format!(" by {}", open.author));
    let now = Memo::new(move |_| {
        live.pull_requests().with(|all| all.open.iter().find(|open| open.number == number).cloned())
    });
    let since = Since { now, seen: RwSignal::new(open.head.clone()) };
    let pending = action.pending();
    let merged =
        Memo::new(move |_| pending.get() || action.value().with(|value| matches!(value, Some(Ok(())))));
    let yellow = if changes_lock(&open.inputs) { "Git and Lock" } else { "Git" };
    let shown = Memo::new(move |last: Option<&UpdatePullRequest>| {
        let last = || last.unwrap_or(&open).clone();
        let seen = since.seen.get();
        since.now.with(|now| now.clone().filter(|now| now.head == seen)).unwrap_or_else(last)
    });
    let closed = move || since.in_the_way() || merged.get() || !live.may(Action::Merge, None);
    let hosts = live.rows().with_untracked(Vec::len);
    let will = vec![
        format!("Merge PR #{number} into {branch}"),
        format!("Mark {yellow} of {} outdated (yellow)", hosts_words(hosts)),
    ];
    let need = vec!["Pull and switch the hosts (gets and applies it)".to_owned()];
    let title = format!("Merge PR #{number}?");
    view! {
        <Dialog title back=Route::Fleet.path() focus="merge-cancel" focus_after=format!("merge-{number} main")>
            <ActionForm action=action>
                <input type="hidden" name="number" value=number.to_string()/>
                <input type="hidden" name="seen_head" value=move || since.seen.with(|seen| seen.0.clone())/>
                <input type="hidden" name="back" value=Route::Fleet.path()/>
                <p class="merge-title">
                    <a href=url rel="external noopener">{by_line.0}</a>
                    {by_line.1}
                </p>
                <Changed since merged/>
                <RoleNeeded what="Merging" does=Action::Merge/>
                <About shown/>
                <Doubts shown/>
                <NamedList id="merge-will" heading="This will:" items=will numbered=true/>
                <NamedList id="merge-need" heading="You will need to:" items=need/>
                <ThenRollOut hosts which="" about="Pulls and switches them, until one fails. Starts only if the merge succeeds."/>
                <DialogEnd action back=Route::Fleet.path() cancel_id="merge-cancel" closed=Signal::derive(closed)>
                    {move || if pending.get() { "Merging…".to_owned() } else { format!("Merge PR #{number}") }}
                </DialogEnd>
            </ActionForm>
        </Dialog>
    }
}

/// Says what has happened to the pull request since the dialog was opened.
#[component]
fn Changed(since: Since, merged: Memo<bool>) -> impl IntoView {
    move || {
        if merged.get() {
            return ().into_any();
        }
        let Some(now) = since.now.get() else {
            return view! {
                <p class="banner warn" role="alert">
                    "It is no longer open: someone merged or closed it. No request was sent."
                </p>
            }
            .into_any();
        };
        if since.moved() {
            let head = now.head.clone();
            return view! {
                <p class="banner warn" role="alert">
                    {format!("It is at {} now: someone pushed to it while this was open. No request was sent. ", now.head)}
                    <button type="button" class="small" on:click=move |_| since.seen.set(head.clone())>"Show the new commit"</button>
                </p>
            }
            .into_any();
        }
        match now.mergeable {
            Mergeable::No { reason } => {
                view! { <p class="banner warn" role="alert">{format!("It cannot be merged: {reason}")}</p> }
                    .into_any()
            }
            Mergeable::Yes | Mergeable::Unknown => ().into_any(),
        }
    }
}

/// Whatever makes it more than an ordinary update. A person must confirm having reviewed that before the
/// merge.
#[component]
fn Doubts(shown: Memo<UpdatePullRequest>) -> impl IntoView {
    // With the commit, so that a new commit must be reviewed again.
    let doubts = Memo::new(move |_| shown.with(|open| (open.head.clone(), open.doubts())));
    move || {
        let (_, doubts) = doubts.get();
        if doubts.is_empty() {
            return ().into_any();
        }
        let doubts = doubts.into_iter().map(|doubt| view! { <li>{doubt}</li> }).collect_view();
        view! {
            <div class="banner warn doubts">
                <p id="merge-doubts">"This is not an ordinary update:"</p>
                <ul aria-labelledby="merge-doubts">{doubts}</ul>
                <label class="check">
                    <input type="checkbox" name="looked" value="true" required/>
                    "I reviewed this on GitHub"
                </label>
            </div>
        }
        .into_any()
    }
}

/// The commit, the inputs and the checks that the person agrees to.
#[component]
fn About(shown: Memo<UpdatePullRequest>) -> impl IntoView {
    move || {
        let open = shown.get();
        let (look, says) = checks(&open.checks);
        let (merge_look, merge_says) = mergeable(&open.mergeable);
        view! {
            <dl class="facts">
                <div><dt>"Commit"</dt><dd><code>{open.head.to_string()}</code></dd></div>
                <div><dt>"Inputs"</dt><dd><ChangedInputs inputs=open.inputs/></dd></div>
                <div><dt>"Checks"</dt><dd data-checks=look><StateBadge look words=says/></dd></div>
                <div><dt>"Merge"</dt><dd data-mergeable=merge_look><StateBadge look=merge_look words=merge_says/></dd></div>
            </dl>
        }
        .into_any()
    }
}
