//! The address of a database.

use std::str::FromStr as _;

use sqlx::postgres::PgConnectOptions;

use super::StoreError;

/// Returns whether this URL names a PostgreSQL database.
pub fn is_postgres(url: &str) -> bool {
    ["postgres:", "postgresql:"].iter().any(|scheme| url.starts_with(scheme))
}

/// Reads the URL. The password comes from `PGPASSFILE`, `~/.pgpass` or `PGPASSWORD`, as in PostgreSQL's own programs.
pub(super) fn parse(url: &str) -> Result<PgConnectOptions, StoreError> {
    if has_password(url) {
        let words = "the address of the database must not hold a password, which other users could see; \
                     write it into a file, and name that in PGPASSFILE";
        return Err(sqlx::Error::Configuration(words.into()).into());
    }
    let options = PgConnectOptions::from_str(url)?;
    // An agent forgets what the server acknowledges, so a commit must survive a power cut.
    Ok(options.application_name("backstay").options([("synchronous_commit", "on")]))
}

fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    user.contains(':') || url.split(['?', '&']).skip(1).any(|option| option.starts_with("password="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_password_is_refused() {
        for url in ["postgres://maria:secret@db/backstay", "postgres:///backstay?host=/run&password=secret"] {
            let refused = parse(url).unwrap_err().to_string();
            assert!(refused.contains("PGPASSFILE") && !refused.contains("secret"), "{refused}");
        }
        for url in [
            "postgres://db:5432/backstay",
            "postgres://maria@db/backstay",
            "postgresql:///backstay?host=/run",
        ] {
            assert!(is_postgres(url) && parse(url).is_ok(), "{url}");
        }
        assert!(!is_postgres("sqlite://backstay.sqlite3"));
    }
}
