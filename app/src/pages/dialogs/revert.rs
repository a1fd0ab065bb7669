//! The dialog that reverts a pull request.

use backstay_model::Action;
use backstay_model::deployment::{Decision, Deployment};
use leptos::prelude::*;

use super::{NamedList, ThenRollOut, deployment_and_back};
use crate::api::{DeploymentRead, RevertPullRequest, load_deployment, load_revert_effects};
use crate::components::{
    ActionForm, ChangedInputs, Dialog, DialogEnd, DialogTrouble, PageTitle, ReasonField, RoleNeeded,
    action_from_address, followed_deployment,
};
use crate::live::{Live, Started};

/// The dialog that reverts the pull request of a deployment.
#[component]
pub fn RevertDialog() -> impl IntoView {
    let started = expect_context::<Started>();
    let (id, back) = deployment_and_back();
    let deployment = Resource::new_blocking(move || id.get(), load_deployment);
    // The dialog works without them.
    let effects = Resource::new_blocking(move || id.get(), load_revert_effects);
    view! {
        <PageTitle text="Revert PR"/>
        <Transition>
            {move || {
                let back = back.get();
                Suspend::new(async move {
                    match started.and(deployment).await {
                        Ok(Some(read)) => {
                            let effects = effects.await.unwrap_or_default();
                            view! { <Found read effects back/> }.into_any()
                        }
                        Ok(None) => {
                            #[cfg(feature = "ssr")]
                            crate::session::not_found();
                            view! { <DialogTrouble title="Revert PR" back sentence="There is no such deployment."/> }
                                .into_any()
                        }
                        Err(error) => {
                            view! { <DialogTrouble title="Revert PR" back sentence=error.to_string()/> }.into_any()
                        }
                    }
                })
            }}
        </Transition>
    }
}

/// Returns what prevents a revert, or `None`.
fn in_the_way(deployment: &Deployment) -> Option<String> {
    let number = deployment.pull_request.number;
    match &deployment.decision {
        Decision::Open | Decision::Continued { .. } | Decision::Proposed { .. } => None,
        Decision::Reverting { by, .. } => {
            Some(format!("{by} is already reverting PR #{number}. No request was sent."))
        }
        Decision::Reverted { by, commit, .. } => {
            Some(format!("{by} already reverted PR #{number} (commit {commit}). No request was sent."))
        }
        Decision::Superseded => Some(format!(
            "A later pull request was merged, so the fleet is no longer on PR #{number}. No request was sent."
        )),
    }
}

#[component]
fn Found(read: DeploymentRead, effects: Vec<String>, back: String) -> impl IntoView {
    let live = expect_context::<Live>();
    let action = action_from_address::<RevertPullRequest>();
    let (id, number) = (read.deployment.id, read.deployment.pull_request.number);
    let inputs = read.deployment.inputs.clone();
    let attempted = read.deployment.attempted().len();
    let deployment = followed_deployment(live, read);
    let pending = action.pending();
    // A person's own revert must not count as an obstacle while it is being made. The page may hear that it
    // failed before it hears that the deployment is open again.
    let is_mine = Memo::new(move |_| {
        let me = live.person().map(|person| person.name);
        deployment.with(|d| matches!(&d.decision, Decision::Reverting { by, .. } if Some(by) == me.as_ref()))
    });
    let own = Memo::new(move |_| {
        pending.get()
            || action.value().with(|value| match value {
                Some(Ok(())) => true,
                Some(Err(_)) => is_mine.get(),
                None => false,
            })
    });
    let obstacle = Memo::new(move |_| deployment.with(in_the_way).filter(|_| !own.get()));
    let proposed = Memo::new(move |_| {
        deployment.with(|d| match &d.decision {
            Decision::Proposed { pull_request, .. } => Some((pull_request.number, pull_request.url.clone())),
            _ => None,
        })
    });
    let closed = move || obstacle.with(Option::is_some) || pending.get() || !live.may(Action::Revert, None);
    let repository = live.pull_requests().with_untracked(|all| {
        // The name without its owner, as people call it.
        all.repository
            .rsplit('/')
            .next()
            .filter(|name| !name.is_empty())
            .unwrap_or("the configuration repository")
            .to_owned()
    });
    let will = vec![
        format!("Create revert commit on {repository}"),
        "Push to GitHub".to_owned(),
        "Mark all hosts Lock outdated (yellow)".to_owned(),
    ];
    let need =
        vec!["Pull on all hosts (gets revert)".to_owned(), "Switch on all hosts (applies revert)".to_owned()];
    let title = format!("Revert PR #{number}?");
    view! {
        <Dialog title back=back.clone() focus="revert-cancel" focus_after="main">
            <ActionForm action=action>
                <input type="hidden" name="deployment" value=id.to_string()/>
                <input type="hidden" name="back" value=back.clone()/>
                {move || obstacle.get().map(|words| view! { <p class="banner warn" role="alert">{words}</p> })}
                {move || proposed.get().map(|(number, url)| view! {
                    <p class="banner warn">
                        <a href=url rel="external noopener">{format!("Pull request #{number}")}</a>
                        " with the revert is already waiting to be merged."
                    </p>
                })}
                <RoleNeeded what="Reverting" does=Action::Revert/>
                {inputs.map(|inputs| view! {
                    <div class="named-list"><p>"It changed:"</p><ChangedInputs inputs/></div>
                })}
                <NamedList id="revert-will" heading="This will:" items=will numbered=true/>
                <NamedList id="revert-hosts" heading="On the hosts:" items=effects/>
                <NamedList id="revert-need" heading="You will need to:" items=need/>
                <ThenRollOut
                    hosts=attempted
                    which=" that have had it"
                    about="Pulls and switches them. Starts only once the revert is on the branch, not if it becomes a pull request."
                />
                <ReasonField/>
                <DialogEnd action back cancel_id="revert-cancel" closed=Signal::derive(closed) destructive=true>
                    {move || if pending.get() { "Reverting…".to_owned() } else { format!("Revert PR #{number}") }}
                </DialogEnd>
            </ActionForm>
        </Dialog>
    }
}
