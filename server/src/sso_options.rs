//! The options for an OpenID Connect provider, and what they result in.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use axum::http::Uri;
use backstay_fleet::accounts::{Passwords, WaysIn};
use backstay_fleet::sso::{GroupRole, Sso, SsoConfig};
use backstay_model::SystemClock;
use clap::{Args, ValueEnum};

use crate::secret_file;

/// The longest name of the provider, in characters: it stands on a button.
const NAME_CHARS: usize = 40;

/// How people log in.
#[derive(Debug, Args)]
#[command(next_help_heading = "Single sign-on")]
pub(crate) struct SsoOptions {
    /// The address of an OpenID Connect provider, exactly as its tokens name it. People then log in through it; it must know the
    /// address PUBLIC-URL/sso/callback of this server.
    #[arg(long = "oidc-issuer", env = "BACKSTAY_OIDC_ISSUER", value_name = "URL")]
    issuer: Option<String>,
    /// This server's identifier at the provider.
    #[arg(long = "oidc-client-id", env = "BACKSTAY_OIDC_CLIENT_ID", value_name = "ID")]
    client_id: Option<String>,
    /// The file with this server's secret at the provider.
    #[arg(long = "oidc-client-secret-file", env = "BACKSTAY_OIDC_CLIENT_SECRET_FILE", value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// What people call the provider, for the button and the audit log.
    #[arg(long = "oidc-name", env = "BACKSTAY_OIDC_NAME", default_value = "single sign-on")]
    name: String,
    /// What to ask the provider for, besides `openid`. Repeat the option, or separate by commas.
    #[arg(
        long = "oidc-scopes",
        env = "BACKSTAY_OIDC_SCOPES",
        value_delimiter = ',',
        default_value = "profile,email,groups"
    )]
    scopes: Vec<String>,
    /// The claim with the groups of a person.
    #[arg(long = "oidc-groups-claim", env = "BACKSTAY_OIDC_GROUPS_CLAIM", default_value = "groups")]
    groups_claim: String,
    /// The role of a group: `admins=admin`, or on some hosts `lab-team=operator@tag:lab`. Repeat the option, or separate by commas.
    /// People in no such group are not let in.
    #[arg(
        long = "oidc-role",
        env = "BACKSTAY_OIDC_ROLE",
        value_name = "GROUP=ROLE[@SCOPE]",
        value_delimiter = ','
    )]
    roles: Vec<GroupRole>,
    /// Who may still log in with a password. Each log-in of an administrator past the provider is recorded as such.
    #[arg(long, env = "BACKSTAY_PASSWORD_LOG_IN", value_enum, default_value_t = PasswordLogIn::Everybody)]
    password_log_in: PasswordLogIn,
}

/// Who may log in with a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PasswordLogIn {
    /// Everybody who has one.
    Everybody,
    /// Administrators, for when the provider is away.
    Administrators,
    /// Nobody.
    Never,
}

impl From<PasswordLogIn> for Passwords {
    fn from(who: PasswordLogIn) -> Self {
        match who {
            PasswordLogIn::Everybody => Self::Everybody,
            PasswordLogIn::Administrators => Self::Administrators,
            PasswordLogIn::Never => Self::Never,
        }
    }
}

impl SsoOptions {
    /// Returns how people may log in. Reads the secret, and sends no request to the provider.
    ///
    /// # Errors
    /// A text for the person who starts the server: which option is missing, or which value cannot be used.
    pub(crate) fn configure(&self, public_url: Option<&str>) -> anyhow::Result<WaysIn> {
        let Some(issuer) = &self.issuer else {
            self.require_nothing_else()?;
            return Ok(WaysIn::default());
        };
        require_issuer(issuer)?;
        let public_url = public_url
            .context("--oidc-issuer needs --public-url: the provider leads people back to that address")?;
        let client_id = self.client_id.clone().context("--oidc-issuer needs --oidc-client-id")?;
        let file = self.client_secret_file.as_deref();
        let file = file.context("--oidc-issuer needs --oidc-client-secret-file")?;
        ensure!(
            !self.roles.is_empty(),
            "--oidc-issuer needs --oidc-role: without one, nobody who comes from the provider is let in"
        );
        let is_name =
            (1..=NAME_CHARS).contains(&self.name.chars().count()) && !self.name.chars().any(char::is_control);
        ensure!(is_name, "--oidc-name: use 1 to {NAME_CHARS} characters, such as Company SSO");
        let config = SsoConfig {
            issuer: issuer.clone(),
            client_id,
            client_secret: secret_file::read("--oidc-client-secret-file", file)?,
            name: self.name.clone(),
            groups_claim: self.groups_claim.clone(),
            roles: self.roles.clone(),
            // An empty variable counts as unset.
            scopes: self.scopes.iter().filter(|scope| !scope.is_empty()).cloned().collect(),
            public_url: public_url.to_owned(),
        };
        let sso = Sso::new(config, Arc::new(SystemClock)).context("--oidc-issuer")?;
        Ok(WaysIn { passwords: self.password_log_in.into(), sso: Some(Arc::new(sso)) })
    }

    fn require_nothing_else(&self) -> anyhow::Result<()> {
        let given = [
            ("--oidc-client-id", self.client_id.is_some()),
            ("--oidc-client-secret-file", self.client_secret_file.is_some()),
            ("--oidc-role", !self.roles.is_empty()),
        ];
        if let Some((option, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
            bail!("{option} is given, but --oidc-issuer is not: it names the provider");
        }
        ensure!(
            self.password_log_in == PasswordLogIn::Everybody,
            "--password-log-in keeps people from logging in with a password, but --oidc-issuer names no other way in"
        );
        Ok(())
    }
}

/// Checks that nobody on the way can pass for the provider.
fn require_issuer(issuer: &str) -> anyhow::Result<()> {
    let uri: Uri = issuer.parse().with_context(|| format!("--oidc-issuer: “{issuer}” is not a URL"))?;
    let is_here = uri.host().is_some_and(|host| ["127.0.0.1", "localhost", "[::1]"].contains(&host));
    match uri.scheme_str() {
        Some("https") if uri.query().is_none() => Ok(()),
        Some("http") if is_here => Ok(()),
        _ => bail!(
            "--oidc-issuer: “{issuer}” must begin with https:// and have no query: anybody on the way could log in as anybody"
        ),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    const PUBLIC: &str = "https://backstay.example.org";

    fn configure(options: &[&str]) -> Result<WaysIn, String> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        std::fs::write(&file, "s3cret").unwrap();
        let file = file.to_str().unwrap();
        let given = options.iter().map(|option| if *option == "FILE" { file } else { option });
        let cli = Cli::try_parse_from(["backstay-server", "serve"].into_iter().chain(given));
        let Command::Serve(serve) = cli.map_err(|error| error.to_string())?.command else { panic!() };
        serve.sso.configure(serve.public_url.as_deref()).map_err(|error| format!("{error:#}"))
    }

    fn with(issuer: &str, more: &[&str]) -> Result<WaysIn, String> {
        let all = ["--oidc-issuer", issuer, "--oidc-client-id", "b", "--oidc-client-secret-file", "FILE"];
        let all: Vec<_> = all.iter().chain(more).copied().collect();
        configure(&all)
    }

    #[test]
    fn without_a_provider_everybody_uses_a_password() {
        let ways = configure(&[]).unwrap();
        assert!(ways.sso.is_none() && ways.passwords == Passwords::Everybody);
    }

    #[test]
    fn a_provider_is_configured_without_a_word_to_it() {
        let issuer = "https://id.example.org/realms/a";
        let ways = with(issuer, &["--public-url", PUBLIC, "--oidc-role", "a=admin,b=operator@tag:lab"]);
        assert_eq!(ways.unwrap().sso.unwrap().name(), "single sign-on");
        let here = ["--public-url", PUBLIC, "--oidc-role", "a=admin", "--password-log-in", "never"];
        assert_eq!(with("http://127.0.0.1:9", &here).unwrap().passwords, Passwords::Never);
    }

    #[test]
    fn options_that_cannot_work_end_the_start_with_the_reason() {
        let role = ["--public-url", PUBLIC, "--oidc-role", "a=admin"];
        for (result, reason) in [
            (with("https://id.example.org", &["--oidc-role", "a=admin"]), "needs --public-url"),
            (with("https://id.example.org", &role[..2]), "needs --oidc-role"),
            (with("http://id.example.org", &role), "must begin with https://"),
            (with("id", &role), "must begin with https://"),
            (with("https://id.example.org", &["--oidc-role", "admins"]), "GROUP=ROLE"),
            (configure(&["--oidc-role", "a=admin"]), "--oidc-issuer is not"),
            (configure(&["--password-log-in", "never"]), "no other way in"),
            (configure(&["--oidc-issuer", "https://id", "--public-url", PUBLIC]), "--oidc-client-id"),
        ] {
            let error = result.err().unwrap_or_default();
            assert!(error.contains(reason), "{reason}: {error}");
        }
    }
}
