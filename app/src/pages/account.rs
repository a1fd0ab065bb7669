//! A person's own account. The server alone writes this page.

use backstay_fleet::accounts::{Actor, MIN_PASSWORD_CHARS, OwnSecondFactor};
use backstay_fleet::store::SessionRecord;
use backstay_model::Action;
use leptos::prelude::*;
use server_fn::ServerFn;

use super::people::in_words;
use super::second_factor::second_factor;
use super::sso::account_part;
use crate::api::{ChangePassword, EndOtherSessions, EndSession};
use crate::components::Ago;
use crate::routes::Route;
use crate::said::Said;

/// The content of the page.
pub(crate) fn account(
    actor: &Actor,
    sessions: &[SessionRecord],
    factor: OwnSecondFactor,
    provider: Option<&str>,
    said: Option<Said>,
) -> AnyView {
    let person = actor.person();
    let people = (person.require(Action::ManagePeople).is_ok())
        .then(|| view! { <div class="page-actions"><a class="button" href=Route::People.path()>"Manage people"</a></div> });
    let rows =
        sessions.iter().map(|session| row(session, actor.session() == Some(session.id))).collect_view();
    let end_others = (sessions.len() > 1).then(|| {
        view! {
            <form method="post" action=EndOtherSessions::PATH class="plain-forms">
                <button type="submit">"End all other sessions"</button>
            </form>
        }
    });
    view! {
        <div class="page-head">
            <h1>{person.name.clone()}</h1>
            <span class="badge">{person.role.as_str()}</span>
            {person.grants.iter().map(|grant| view! { <span class="badge">{format!("{} on {}", grant.role, grant.scope)}</span> }).collect_view()}
            {people}
        </div>
        {said.map(|said| in_words(said, ""))}
        {if actor.is_external() { account_part(provider) } else { own_proofs(&person.name, factor) }}
        <section class="card" aria-labelledby="sessions">
            <h2 id="sessions">"Sessions"</h2>
            <div class="table-frame">
                <table class="plain">
                    <thead>
                        <tr>
                            <th scope="col">"Browser"</th>
                            <th scope="col">"Address"</th>
                            <th scope="col">"Logged in"</th>
                            <th scope="col">"Last seen"</th>
                            <th scope="col"><span class="unseen">"End"</span></th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
        {end_others}
    }
    .into_any()
}

/// The password and the second factor of somebody who has them here.
fn own_proofs(name: &str, factor: OwnSecondFactor) -> AnyView {
    view! {
        <section class="card" aria-labelledby="password">
            <h2 id="password">"Change password"</h2>
            {change_password(name)}
        </section>
        <section class="card" aria-labelledby="second-factor">
            <h2 id="second-factor">"Second factor"</h2>
            {second_factor(factor)}
        </section>
    }
    .into_any()
}

fn change_password(name: &str) -> AnyView {
    view! {
        <form method="post" action=ChangePassword::PATH class="plain-forms">
            // For password managers.
            <div hidden><input type="text" name="name" value=name.to_owned() autocomplete="username"/></div>
            <label>
                "Current password"
                <input type="password" name="current" autocomplete="current-password" required maxlength="1024"/>
            </label>
            {new_password("New password")}
            <button type="submit" class="primary">"Change password"</button>
        </form>
    }
    .into_any()
}

/// The two fields of a new password.
pub(super) fn new_password(label: &'static str) -> AnyView {
    view! {
        <label>
            {label}
            <input type="password" name="password" autocomplete="new-password" required maxlength="1024"
                minlength=MIN_PASSWORD_CHARS.to_string() aria-describedby="new-password"/>
        </label>
        <p id="new-password" class="faint">
            {format!("At least {MIN_PASSWORD_CHARS} characters, such as four random words.")}
        </p>
        <label>
            {format!("{label} again")}
            <input type="password" name="again" autocomplete="new-password" required maxlength="1024"/>
        </label>
    }
    .into_any()
}

fn row(session: &SessionRecord, is_this: bool) -> AnyView {
    let browser = browser_name(&session.client.browser);
    let label = format!("End the session in {browser}");
    let end = if is_this {
        view! { <span class="badge good">"this session"</span> }.into_any()
    } else {
        view! {
            <form method="post" action=EndSession::PATH>
                <input type="hidden" name="id" value=session.id.to_string()/>
                <button type="submit" class="small" aria-label=label>"End"</button>
            </form>
        }
        .into_any()
    };
    let address = Some(session.client.address.clone()).filter(|address| !address.is_empty());
    view! {
        <tr>
            <th scope="row" title=session.client.browser.clone()>{browser}</th>
            <td data-title="Address">{address.unwrap_or_else(|| "unknown".to_owned())}</td>
            <td data-title="Logged in"><Ago at=session.created_at/></td>
            <td data-title="Last seen"><Ago at=session.last_seen/></td>
            <td>{end}</td>
        </tr>
    }
    .into_any()
}

/// A short name of a browser, from its user agent: “Firefox on Linux”. Each names the ones that it resembles
/// as well, so the order matters.
fn browser_name(user_agent: &str) -> String {
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(part, _)| user_agent.contains(part)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ if user_agent.is_empty() => "Unknown browser".to_owned(),
        // Another program names itself first.
        _ => user_agent.split(['/', ' ']).next().unwrap_or_default().chars().take(40).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_has_a_short_name() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
        let safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";
        let firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0";
        assert_eq!(browser_name(chrome), "Chrome on Linux");
        assert_eq!(browser_name(safari), "Safari on iPhone");
        assert_eq!(browser_name(firefox), "Firefox on Windows");
        assert_eq!(browser_name("curl/8.5.0"), "curl");
        assert_eq!(browser_name(""), "Unknown browser");
    }
}
