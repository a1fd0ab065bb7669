//! What two hosts run.

use backstay_model::{Generation, HostView, SameCommit};
use leptos::prelude::*;

use super::changes::at_forge;
use crate::components::{Moment, generation_name};
use crate::routes::Route;

/// The content of the page: what the server knows of both, side by side.
pub(crate) fn hosts(one: &HostView, other: &HostView, repository: Option<&str>) -> AnyView {
    let of = |read: fn(&Generation) -> Option<String>| {
        [one, other]
            .map(|host| host.generation.as_ref().and_then(read).unwrap_or_else(|| "unknown".to_owned()))
    };
    let rows = [
        ("Generation", of(|g| Some(format!("Gen {}", g.number)))),
        ("Commit", of(|g| g.commit.as_ref().map(|commit| commit.short().to_owned()))),
        ("Version", of(|g| g.version.clone())),
        ("Kernel", of(|g| g.kernel.clone())),
        ("Build", of(|g| Some(g.store_path.clone()))),
    ];
    let rows = rows.into_iter().map(|(what, [left, right])| {
        let class = if left == right { "same" } else { "differs" };
        view! { <tr class=class><th scope="row">{what}</th>{cell(one, left)}{cell(other, right)}</tr> }
    });
    let [made_one, made_other] = [one, other].map(|host| {
        let made = host.generation.as_ref();
        cell(host, made.map(|generation| view! { <Moment at=generation.created_at/> }))
    });
    let head = |host: &HostView| {
        let offline = (!host.online).then_some(" (offline: as last reported)");
        view! { <th scope="col"><a href=Route::Host(&host.name).path()>{host.name.clone()}</a>{offline}</th> }
    };
    view! {
        <div class="page-head">
            <p class="crumbs"><a href=Route::Fleet.path()>"Fleet"</a>" / "</p>
            <h1>{format!("{} and {}", one.name, other.name)}</h1>
            <div class="page-actions">
                <a class="button" href=Route::CompareHosts(&other.name, &one.name).path()>"Swap"</a>
            </div>
        </div>
        <section class="card" aria-labelledby="differences">
            <h2 id="differences">"What they run"</h2>
            <p class="compare-line">{in_words(one, other, repository)}</p>
            <div class="table-frame">
                <table class="plain compare-hosts">
                    <thead><tr><th><span class="unseen">"Fact"</span></th>{head(one)}{head(other)}</tr></thead>
                    <tbody>
                        {rows.collect_view()}
                        <tr><th scope="row">"Made"</th>{made_one}{made_other}</tr>
                    </tbody>
                </table>
            </div>
            <p class="faint">
                "Packages and units are not compared: each host compares only its own builds, and neither has the other's."
            </p>
        </section>
    }
    .into_any()
}

/// The content of the page that offers the hosts to compare one with.
pub(crate) fn other_hosts(one: &HostView, all: &[HostView]) -> AnyView {
    let runs = |host: &HostView| host.generation.as_ref().map(generation_name).unwrap_or_default();
    let mine = one.generation.as_ref();
    let rows = all.iter().filter(|host| host.id != one.id).map(|other| {
        let is_same = mine.zip(other.generation.as_ref()).is_some_and(|(a, b)| a.store_path == b.store_path);
        view! {
            <tr>
                <th scope="row"><a href=Route::CompareHosts(&one.name, &other.name).path()>{other.name.clone()}</a></th>
                <td data-title="Generation">{runs(other)}</td>
                <td data-title="Build">{is_same.then_some("the same build")}</td>
            </tr>
        }
    });
    view! {
        <div class="page-head">
            <p class="crumbs"><a href=Route::Host(&one.name).path()>{one.name.clone()}</a>" / "</p>
            <h1>{format!("Compare {}", one.name)}</h1>
        </div>
        <section class="card" aria-labelledby="others">
            <h2 id="others">"With which host?"</h2>
            <p class="compare-line">{format!("{} runs {}.", one.name, runs(one))}</p>
            <div class="table-frame">
                <table class="plain">
                    <thead><tr><th scope="col">"Host"</th><th scope="col">"Generation"</th><th scope="col">"Build"</th></tr></thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

/// A cell of a host's column, which names the host where the head of the table is hidden.
fn cell(host: &HostView, content: impl IntoView + 'static) -> AnyView {
    view! { <td data-title=host.name.clone()>{content.into_any()}</td> }.into_any()
}

/// Says how the commits of both relate, with a link to what lies between them.
fn in_words(one: &HostView, other: &HostView, repository: Option<&str>) -> AnyView {
    let [a, b] = [one, other].map(|host| host.generation.as_ref());
    if a.zip(b).is_some_and(|(a, b)| a.store_path == b.store_path) {
        return "Both run the same build.".into_any();
    }
    let Some((a, b)) = a.and_then(|g| g.commit.as_ref()).zip(b.and_then(|g| g.commit.as_ref())) else {
        return "At least one of them reports no commit.".into_any();
    };
    match a.compare(b) {
        SameCommit::Same => format!("Both run builds of {a}.").into_any(),
        SameCommit::SameWithChanges => {
            format!("Both run builds of {a}, at least one with uncommitted changes.").into_any()
        }
        SameCommit::Unknown => "At least one of them records no commit.".into_any(),
        SameCommit::Different => {
            let words = format!("{} → {}", a.short(), b.short()).into_any();
            let between = at_forge(words, "compare", &format!("{}...{}", a.0, b.0), repository);
            view! { "They run builds of different commits: " {between} "." }.into_any()
        }
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::{Commit, sample};

    use super::*;

    fn runs(name: &str, number: u32, commit: &str) -> HostView {
        let generation = Generation { commit: Some(Commit(commit.into())), ..sample::generation(number, 0) };
        HostView { generation: Some(generation), ..sample::host(name) }
    }

    #[test]
    fn a_host_is_compared_with_each_of_the_others() {
        let all = [runs("gpc0", 47, "aaaaaaaaaa"), runs("imac0", 12, "bbbbbbbbbb")];
        let page = other_hosts(&all[0], &all).to_html();
        assert!(page.contains("/compare/gpc0..imac0\"") && page.contains("Gen 12 (bbbbbbb)"), "{page}");
        assert!(!page.contains("/compare/gpc0..gpc0"));
    }

    #[test]
    fn two_hosts_are_compared_by_what_they_reported() {
        let page = Some("https://github.com/you/nixcfg");
        let words = |one: &HostView, other: &HostView| in_words(one, other, page).to_html();
        let (old, new) = (runs("gpc0", 47, "aaaaaaaaaa"), runs("imac0", 12, "bbbbbbbbbb"));
        let different = words(&old, &new);
        assert!(different.contains("/compare/aaaaaaaaaa...bbbbbbbbbb\""), "{different}");
        assert!(words(&old, &runs("imac0", 12, "aaaaaaaaaa")).contains("Both run builds of aaaaaaa."));
        assert!(words(&old, &old).contains("Both run the same build."));
        let silent = HostView { generation: None, ..runs("imac0", 12, "aaaaaaaaaa") };
        assert!(words(&old, &silent).contains("reports no commit"));
    }
}
