//! The people who can log in, for administrators. The server alone writes this page.

use backstay_fleet::accounts::{INVITATION_LIFETIME, MAX_NAME_CHARS};
use backstay_fleet::store::{Invitation, PersonRecord};
use backstay_model::{Grant, Role};
use leptos::prelude::*;
use server_fn::ServerFn;

use crate::api::{
    DeletePerson, DisablePerson, EnablePerson, GrantRole, InvitePerson, ResetSecondFactor, RevokeGrant,
    RevokeInvitation, SetRole,
};
use crate::components::{Ago, Until};
use crate::said::Said;

/// The roles, with what each may do.
const ROLES: [(Role, &str); 4] = [
    (Role::Viewer, "viewer: looks"),
    (Role::Responder, "responder: also rolls back"),
    (Role::Operator, "operator: also runs all ops"),
    (Role::Admin, "admin: also manages people"),
];
/// What a grant chooses hosts by.
const BY: [(&str, &str); 3] =
    [("tag", "with the tag"), ("name", "with a name like"), ("platform", "of the platform")];

/// The content of the page. `origin` is the server's address, for the link of an invitation.
pub(crate) fn people(
    own_name: &str,
    people: &[PersonRecord],
    invitations: &[Invitation],
    said: Option<Said>,
    origin: &str,
) -> AnyView {
    let rows = people.iter().map(|person| row(person, person.name == own_name)).collect_view();
    view! {
        <div class="page-head"><h1>"People"</h1></div>
        {said.map(|said| in_words(said, origin))}
        <div class="card table-frame">
            <table class="plain">
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Role"</th>
                        <th scope="col">"Last seen"</th>
                        <th scope="col">"Sessions"</th>
                        <th scope="col"><span class="unseen">"Change"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        <section class="card" aria-labelledby="invite">
            <h2 id="invite">"Invite a person"</h2>
            {invite()}
        </section>
        {(!invitations.is_empty()).then(|| open_invitations(invitations))}
    }
    .into_any()
}

/// What a form of this page, or of the account page, has done.
pub(super) fn in_words(said: Said, origin: &str) -> AnyView {
    match said {
        Said::Done(text) => view! { <p class="banner said" role="status">{text}</p> }.into_any(),
        Said::Refused(text) => view! { <p class="refusal said" role="alert">{text}</p> }.into_any(),
        Said::Invited(path) => view! {
            <div class="banner said" role="status">
                <p>
                    {format!(
                        "Send this link to the new person. It works once, within {} days, and is not shown again:",
                        INVITATION_LIFETIME.num_days(),
                    )}
                </p>
                <p><code>{format!("{origin}{path}")}</code></p>
            </div>
        }
        .into_any(),
        Said::RecoveryCodes(codes) => view! {
            <div class="banner said" role="status">
                <p>
                    "Your second factor is on. Keep these recovery codes where your device is not: each one logs you in once without "
                    "it. They are not shown again."
                </p>
                <ul class="recovery-codes">
                    {codes.split(' ').map(|code| view! { <li><code>{code.to_owned()}</code></li> }).collect_view()}
                </ul>
            </div>
        }
        .into_any(),
    }
}

fn row(person: &PersonRecord, is_own: bool) -> AnyView {
    let disabled =
        person.disabled_at.is_some().then(|| view! { " " <span class="badge warn">"disabled"</span> });
    let factor =
        person.has_second_factor.then(|| view! { " " <span class="badge good">"second factor"</span> });
    let external = person.is_external.then(|| view! { " " <span class="badge">"single sign-on"</span> });
    let own = is_own.then(|| view! { " " <span class="badge">"you"</span> });
    let seen = match person.last_seen {
        Some(at) => view! { <Ago at/> }.into_any(),
        None => "never".into_any(),
    };
    let line = |grant: &Grant| view! { <br/><span class="faint">{format!("{} on {}", grant.role, grant.scope)}</span> };
    let grants = person.grants.iter().map(line).collect_view();
    view! {
        <tr class:unavailable=person.disabled_at.is_some()>
            <th scope="row">{person.name.clone()}{own}{external}{factor}{disabled}</th>
            <td data-title="Role"><span>{person.role.as_str()}{grants}</span></td>
            <td data-title="Last seen">{seen}</td>
            <td data-title="Sessions">{person.sessions}</td>
            <td>{change(person)}</td>
        </tr>
    }
    .into_any()
}

/// The forms that change a person, folded.
fn change(person: &PersonRecord) -> AnyView {
    let name = person.name.as_str();
    let label = format!("Change {name}");
    let (path, words) = match person.disabled_at {
        None => (DisablePerson::PATH, "Disable and log out"),
        Some(_) => (EnablePerson::PATH, "Enable"),
    };
    view! {
        <details class="changes-rest">
            <summary aria-label=label>"Change"</summary>
            <div class="plain-forms">
                {if person.is_external { decided_elsewhere() } else { change_roles(person) }}
                {person.has_second_factor.then(|| view! {
                    <form method="post" action=ResetSecondFactor::PATH>{named(name)}<button type="submit">"Remove the second factor"</button></form>
                })}
                <form method="post" action=path>{named(name)}<button type="submit">{format!("{words} {name}")}</button></form>
                <form method="post" action=DeletePerson::PATH>
                    {named(name)}
                    <button type="submit" class="danger">{format!("Delete {name}")}</button>
                </form>
            </div>
        </details>
    }
    .into_any()
}

/// What the page says in place of the forms for roles.
fn decided_elsewhere() -> AnyView {
    view! { <p class="faint">"The groups at the single sign-on provider decide the roles, at each log-in."</p> }.into_any()
}

/// The forms for the roles of a person.
fn change_roles(person: &PersonRecord) -> AnyView {
    let name = person.name.as_str();
    view! {
        <form method="post" action=SetRole::PATH>
            {named(name)}
            {role_choice(person.role)}
            <button type="submit">"Set role"</button>
        </form>
        {person.grants.iter().map(|grant| revoke_grant(name, grant)).collect_view()}
        {grant_form(name)}
    }
    .into_any()
}

fn named(name: &str) -> impl IntoView + use<> {
    view! { <input type="hidden" name="name" value=name.to_owned()/> }
}

fn role_choice(chosen: Role) -> impl IntoView {
    let option = |(role, words): (Role, &'static str)| {
        view! { <option value=role.as_str() selected=role == chosen>{words}</option> }
    };
    view! { <label>"Role on the whole fleet"<select name="role">{ROLES.map(option).collect_view()}</select></label> }
}

fn revoke_grant(name: &str, grant: &Grant) -> impl IntoView + use<> {
    let words = format!("Take away {} on {}", grant.role, grant.scope);
    view! {
        <form method="post" action=RevokeGrant::PATH>
            {named(name)}
            <input type="hidden" name="scope" value=grant.scope.to_string()/>
            <button type="submit">{words}</button>
        </form>
    }
}

/// The form that gives a person a role on some hosts.
fn grant_form(name: &str) -> AnyView {
    let roles = [Role::Responder, Role::Operator].map(|role| view! { <option>{role.as_str()}</option> });
    let by = BY.map(|(by, words)| view! { <option value=by>{words}</option> });
    view! {
        <form method="post" action=GrantRole::PATH>
            {named(name)}
            <label>"Also"<select name="role">{roles.collect_view()}</select></label>
            <label>"on the hosts"<select name="by">{by.collect_view()}</select></label>
            <label>
                <span class="unseen">"Tag, name or platform"</span>
                <input type="text" name="hosts" required maxlength="96" autocomplete="off" autocapitalize="none" spellcheck="false"
                    placeholder="lab, web-*, darwin"/>
            </label>
            <button type="submit">"Grant"</button>
        </form>
    }
    .into_any()
}

fn invite() -> AnyView {
    view! {
        <form method="post" action=InvitePerson::PATH class="plain-forms">
            <label>
                "Name"
                <input type="text" name="name" required maxlength=MAX_NAME_CHARS.to_string() autocomplete="off"
                    autocapitalize="none" spellcheck="false"/>
            </label>
            {role_choice(Role::Operator)}
            <button type="submit" class="primary">"Create link"</button>
        </form>
    }
    .into_any()
}

fn open_invitations(invitations: &[Invitation]) -> AnyView {
    let row = |invitation: &Invitation| {
        let label = format!("Revoke the invitation of {}", invitation.name);
        view! {
            <tr>
                <th scope="row">{invitation.name.clone()}</th>
                <td data-title="Role">{invitation.role.as_str()}</td>
                <td data-title="Invited by">{invitation.invited_by.clone()}</td>
                <td data-title="Expires"><Until at=invitation.expires_at/></td>
                <td>
                    <form method="post" action=RevokeInvitation::PATH>
                        <input type="hidden" name="id" value=invitation.id.to_string()/>
                        <button type="submit" class="small" aria-label=label>"Revoke"</button>
                    </form>
                </td>
            </tr>
        }
    };
    view! {
        <section class="card" aria-labelledby="invitations">
            <h2 id="invitations">"Open invitations"</h2>
            <div class="table-frame">
                <table class="plain">
                    <thead>
                        <tr>
                            <th scope="col">"Name"</th>
                            <th scope="col">"Role"</th>
                            <th scope="col">"Invited by"</th>
                            <th scope="col">"Expires"</th>
                            <th scope="col"><span class="unseen">"Revoke"</span></th>
                        </tr>
                    </thead>
                    <tbody>{invitations.iter().map(row).collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}
