//! What a rollback changes: one line above the button, and all of it in a sheet. The dialog asks the host
//! about each chosen generation, and never waits for the answer.

use backstay_model::rollback::RollbackPlan;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::ApiError;
use crate::api::{Changes as Answer, compare_generations, reference_to_text};
use crate::routes::Route;

/// The answer for the generation with this number.
type Answered = Option<(u32, Result<Answer, ApiError>)>;

/// The line and its sheet. Before hydration, a link to the page that compares the two.
#[component]
pub(super) fn Changes(plan: RollbackPlan, chosen: RwSignal<Option<u32>>) -> impl IntoView {
    let answered = RwSignal::new(Answered::None);
    let (host, from) = (plan.host_name.clone(), plan.current.generation.reference());
    let page = plan.preselected.map(|to| Route::Compare { host: &host, from: from.number, to }.path());
    let targets: Vec<_> =
        plan.candidates.iter().map(|c| (c.generation.reference(), c.generation.needs_reboot)).collect();
    let reboots: Vec<_> = targets.iter().map(|(target, reboots)| (target.number, *reboots)).collect();
    // One question at a time, however fast a person moves through the list.
    let is_asking = RwSignal::new(false);
    Effect::new(move |_| {
        let number = chosen.get();
        let known = answered.with_untracked(|answered| answered.as_ref().map(|(number, _)| *number));
        let target = targets.iter().find(|(target, _)| Some(target.number) == number);
        let Some((target, _)) = target.filter(|_| !is_asking.get() && known != number) else { return };
        is_asking.set(true);
        let (host, number) = (host.clone(), target.number);
        let (from, to) = (reference_to_text(&from), reference_to_text(target));
        spawn_local(async move {
            let answer = compare_generations(host, from, to).await;
            answered.try_set(Some((number, answer)));
            is_asking.try_set(false);
        });
    });
    view! {
        <div class="changes if-alive" aria-live="polite">
            {move || {
                let number = chosen.get()?;
                let needs_reboot = reboots.contains(&(number, true));
                Some(line(number, answered.get(), needs_reboot))
            }}
        </div>
        {page.map(|page| view! { <a class="changes-line if-not-alive" href=page>"What changes"</a> })}
    }
}

/// The line for the chosen generation. `needs_reboot` is what the host reported with its generations.
fn line(chosen: u32, answered: Answered, needs_reboot: bool) -> AnyView {
    let reboot = |needed: bool| needed.then(|| view! { <b class="reboot">"reboot needed"</b> }.into_any());
    match answered.filter(|(number, _)| *number == chosen) {
        None => view! { <p class="changes-line">"Comparing…" {reboot(needs_reboot)}</p> }.into_any(),
        Some((_, Err(error))) => {
            view! { <p class="changes-line">{error.to_string()}" "{reboot(needs_reboot)}</p> }.into_any()
        }
        Some((_, Ok(answer))) if answer.html.is_empty() => {
            view! { <p class="changes-line">{answer.line}" "{reboot(needs_reboot)}</p> }.into_any()
        }
        Some((_, Ok(answer))) => {
            let needs_reboot = answer.reboot.unwrap_or(needs_reboot);
            view! {
                <button type="button" class="changes-line" popovertarget="changes-sheet">
                    "What changes: "<span>{answer.line}</span>{reboot(needs_reboot)}
                </button>
                <div class="changes-sheet" id="changes-sheet" popover="auto" role="group" aria-label="All changes">
                    <button type="button" class="small" popovertarget="changes-sheet" popovertargetaction="hide">"Close"</button>
                    <div tabindex="0" inner_html=answer.html></div>
                </div>
            }
            .into_any()
        }
    }
}
