//! `backstay-server people`: what the page of all people does, on the server's own command line.

use backstay_fleet::accounts::{Accounts, Actor};
use backstay_fleet::store::PersonRecord;
use backstay_model::people::Scope;
use backstay_model::{Grant, Role};
use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Args, Subcommand};

use crate::cli::{DatabaseOptions, open_accounts};

/// What to do with people.
#[derive(Debug, Args)]
pub(crate) struct PeopleOptions {
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List everybody, and the open invitations.
    List,
    /// Create a link with which a new person chooses a password, once and within three days, and print it.
    Invite {
        /// The name of the new person.
        name: String,
        /// The role of the new person.
        #[arg(long, default_value_t = Role::Operator)]
        role: Role,
        /// The address that browsers use, for the link. Without it, the link is only a path.
        #[arg(long, env = "BACKSTAY_PUBLIC_URL", value_parser = crate::public_url::parse)]
        public_url: Option<String>,
    },
    /// Give a person another role on the whole fleet, at once.
    SetRole {
        /// The person's name.
        name: String,
        /// The role: viewer, responder, operator or admin.
        role: Role,
    },
    /// Give a person a role on some hosts, at once: `grant maria operator tag:lab`.
    Grant {
        /// The person's name.
        name: String,
        /// The role: responder or operator.
        role: Role,
        /// The hosts: `tag:lab`, `platform:darwin`, or `name:web-*`.
        scope: Scope,
    },
    /// Take a person's role on some hosts away.
    RevokeGrant {
        /// The person's name.
        name: String,
        /// The hosts, as `list` shows them.
        scope: Scope,
    },
    /// Remove the second factor of a person who lost the device and the recovery codes.
    ResetSecondFactor {
        /// The person's name.
        name: String,
    },
    /// End a person's sessions and lock the person out.
    Disable {
        /// The person's name.
        name: String,
    },
    /// Let a disabled person log in again.
    Enable {
        /// The person's name.
        name: String,
    },
    /// Delete a person. The audit log keeps the name.
    Delete {
        /// The person's name.
        name: String,
    },
}

/// Does it, and prints what was done.
pub(crate) async fn run(options: PeopleOptions) -> anyhow::Result<()> {
    let accounts = open_accounts(&options.database).await?;
    let console = Actor::console();
    match options.what {
        What::List => list(&accounts, &console).await?,
        What::Invite { name, role, public_url } => {
            let secret = accounts.invite(&console, &name, role).await?;
            println!("{}/invite/{}", public_url.unwrap_or_default(), secret.reveal());
        }
        What::SetRole { name, role } => {
            accounts.set_role(&console, &name, role).await?;
            println!("{name} is now {role}.");
        }
        What::Grant { name, role, scope } => {
            let grant: Grant = format!("{role} {scope}").parse()?;
            accounts.grant(&console, &name, grant).await?;
            println!("{name} is now {role} on {scope}.");
        }
        What::RevokeGrant { name, scope } => {
            accounts.revoke_grant(&console, &name, scope.clone()).await?;
            println!("{name} has no role of their own on {scope} any more.");
        }
        What::ResetSecondFactor { name } => {
            accounts.reset_second_factor(&console, &name).await?;
            println!("{name} logs in with the password alone now.");
        }
        What::Disable { name } => {
            accounts.disable(&console, &name).await?;
            println!("{name} is disabled and logged out everywhere.");
        }
        What::Enable { name } => {
            accounts.enable(&console, &name).await?;
            println!("{name} can log in again.");
        }
        What::Delete { name } => {
            accounts.delete_person(&console, &name).await?;
            println!("{name} is deleted. The audit log keeps the name.");
        }
    }
    Ok(())
}

/// One person to a line, with tabs between the fields.
async fn list(accounts: &Accounts, console: &Actor) -> anyhow::Result<()> {
    println!("NAME\tROLE\tSTATE\tLAST SEEN\tSESSIONS\tGRANTS");
    for person in accounts.people(console).await? {
        println!("{}", line(&person));
    }
    for invitation in accounts.invitations(console).await? {
        println!(
            "{}\t{}\tinvited until {}\t-\t-\t-",
            invitation.name,
            invitation.role,
            stamp(invitation.expires_at)
        );
    }
    Ok(())
}

fn line(person: &PersonRecord) -> String {
    let state = match (person.disabled_at.is_some(), person.is_external) {
        (true, _) => "disabled",
        (false, false) => "enabled",
        (false, true) => "single sign-on",
    };
    let seen = person.last_seen.map_or_else(|| "never".to_owned(), stamp);
    let grants: Vec<_> = person.grants.iter().map(ToString::to_string).collect();
    let grants = if grants.is_empty() { "-".to_owned() } else { grants.join(", ") };
    format!("{}\t{}\t{state}\t{seen}\t{}\t{grants}", person.name, person.role, person.sessions)
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
