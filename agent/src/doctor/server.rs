//! The way to the server.

use std::io;

use backstay_model::SystemClock;
use chrono::TimeDelta;

use super::Finding;
use crate::config::{Config, EXPOSED, is_exposed};
use crate::connection::probe::{Answer, probe};
use crate::token::HostToken;

const SERVER: &str = "Server";
/// How far two clocks may differ before times on pages mislead.
const DRIFT: TimeDelta = TimeDelta::seconds(30);

pub(super) fn findings(config: &Config) -> anyhow::Result<Vec<Finding>> {
    let token = HostToken::load(&config.state_dir);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut findings = match runtime.block_on(probe(
        config,
        token.as_ref().ok().and_then(Option::as_ref),
        &SystemClock,
    )) {
        Ok(answer) => {
            let joins = token.as_ref().is_ok_and(|token| may_join(config, token.as_ref()));
            [Some(known(config, &answer, &token, joins)), clock(&answer)].into_iter().flatten().collect()
        }
        Err(why) => vec![Finding::broken(
            SERVER,
            format!("{} cannot be asked: {why:#}", config.server),
            "Compare `server` in the configuration with the address of the page; check DNS, firewall and `ca_certificate`.",
        )],
    };
    findings.extend(
        is_exposed(&config.server)
            .then(|| Finding::warning(SERVER, EXPOSED, "Give the server an https address.")),
    );
    Ok(findings)
}

/// Whether a join token is at hand.
fn may_join(config: &Config, token: Option<&HostToken>) -> bool {
    let named = config.join_token_file.as_ref().is_some_and(|file| file.exists());
    token.map_or(named, |token| token.join_token(config).is_some())
}

fn known(config: &Config, answer: &Answer, token: &io::Result<Option<HostToken>>, joins: bool) -> Finding {
    let server = &config.server;
    let join = "Have an administrator create a join token for this host (Add host), and name its file in `join_token_file`.";
    match token {
        Err(why) => Finding::broken(
            SERVER,
            format!("{server} answers, but the host's token cannot be read: {why}"),
            join,
        ),
        Ok(_) if answer.knows => Finding::fine(SERVER, format!("{server} answers and knows this host")),
        Ok(_) if joins => {
            Finding::fine(SERVER, format!("{server} answers; the join token will be used at the next start"))
        }
        Ok(_) => Finding::broken(SERVER, format!("{server} answers, but does not know this host"), join),
    }
}

fn clock(answer: &Answer) -> Option<Finding> {
    const CLOCK: &str = "Clock";
    let ahead = answer.ahead?;
    if ahead.abs() <= DRIFT {
        return Some(Finding::fine(CLOCK, "in step with the server's"));
    }
    let side = if ahead > TimeDelta::zero() { "ahead of" } else { "behind" };
    Some(Finding::warning(
        CLOCK,
        format!("{} s {side} the server's", ahead.abs().num_seconds()),
        "Turn time synchronisation on (timesyncd, chrony), here or on the server.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_reported_with_its_side() {
        let said =
            |seconds| clock(&Answer { knows: true, ahead: Some(TimeDelta::seconds(seconds)) }).unwrap().what;
        assert_eq!(said(30), "in step with the server's");
        assert_eq!(said(31), "31 s ahead of the server's");
        assert_eq!(said(-90), "90 s behind the server's");
        assert_eq!(clock(&Answer { knows: true, ahead: None }), None);
    }
}
