//! One open pull request.

use backstay_model::Action;
use backstay_model::pull_request::{Inputs, UpdatePullRequest};
use leptos::prelude::*;

use super::words::{checks, days, may_be_merged, mergeable, revisions};
use crate::components::{Ago, Icon};
use crate::live::Live;
use crate::routes::Route;

/// One open pull request: its changes, its checks, and the link to merge it.
#[component]
pub(super) fn Card(live: Live, number: u64) -> impl IntoView {
    let pull_request = Memo::new(move |_| {
        live.pull_requests().with(|all| all.open.iter().find(|open| open.number == number).cloned())
    });
    let may = Memo::new(move |_| live.may(Action::Merge, None));
    view! {
        <article class="pull-request" data-pull-request=number.to_string() aria-labelledby=format!("pull-request-{number}")>
            {move || pull_request.get().map(|open| view! { <Body open may/> })}
        </article>
    }
}

#[component]
fn Body(open: UpdatePullRequest, may: Memo<bool>) -> impl IntoView {
    let number = open.number;
    let mergeable_now = may_be_merged(&open);
    let (looks, says) = mergeable(&open.mergeable);
    let (checks_look, checks) = checks(&open.checks);
    view! {
        <div class="pull-request-about">
            <h3 id=format!("pull-request-{number}")>
                <a href=open.url rel="external noopener">{open.title}" "<span class="number">{format!("#{number}")}</span></a>
            </h3>
            <p class="panel-about">{format!("by {} · changed ", open.author)}<Ago at=open.updated_at/></p>
            <ul class="pull-request-state">
                <li data-checks=checks_look><StateBadge look=checks_look words=checks/></li>
                <li data-mergeable=looks><StateBadge look=looks words=says/></li>
            </ul>
        </div>
        <ChangedInputs inputs=open.inputs/>
        {move || may.get().then(|| if mergeable_now {
            view! {
                <a class="button" id=format!("merge-{number}") href=Route::Merge(number).path()>
                    "Merge PR"<span class="unseen">{format!(" #{number}")}</span>
                </a>
            }
            .into_any()
        } else {
            view! { <p class="faint">"It cannot be merged as it is."</p> }.into_any()
        })}
    }
}

/// A shape and words.
#[component]
pub(crate) fn StateBadge(
    /// The state.
    look: &'static str,
    /// The words.
    words: String,
) -> impl IntoView {
    view! { <span class="light" data-state=look><Icon name=look/><span class="words">{words}</span></span> }
}

/// “nixpkgs 1234567 → 89abcde”, one line per input.
#[component]
pub(crate) fn ChangedInputs(
    /// The changed inputs.
    inputs: Inputs,
) -> impl IntoView {
    match inputs {
        Inputs::Unreadable { reason } => {
            view! { <p class="faint">{format!("The changed inputs are unknown. {reason}")}</p> }.into_any()
        }
        Inputs::Known { changes } if changes.is_empty() => {
            view! { <p class="faint">"It changes no flake inputs."</p> }.into_any()
        }
        Inputs::Known { changes } => {
            let lines = changes
                .into_iter()
                .map(|change| {
                    let days = days(&change).map(|days| view! { " "<span class="faint">{days}</span> });
                    let revisions = view! { <code>{revisions(&change)}</code> };
                    let revisions = match change.compare {
                        Some(page) => {
                            view! { <a href=page rel="external noopener">{revisions}</a> }.into_any()
                        }
                        None => revisions.into_any(),
                    };
                    view! { <li><b>{change.name}</b>" "{revisions}{days}</li> }
                })
                .collect_view();
            view! { <ul class="inputs" aria-label="Changed inputs">{lines}</ul> }.into_any()
        }
    }
}
