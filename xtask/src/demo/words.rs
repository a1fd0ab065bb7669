//! What the demo says to people once it is ready.

use std::time::Duration;

use super::start::Description;

/// The address, the login, what is there, and what to try.
pub(crate) fn welcome(demo: &Description, until: Option<Duration>) -> String {
    format!(
        "Backstay runs, with four hosts.

  Open       {url}
  User       {user}
  Password   {password}

Hosts
{hosts}
Three things to try
  1. Repair gpc0. This morning's update broke it: 5 of its 8 tests fail. In its menu (\u{22ee}) choose
     “Rollback System”. Gen 47 is chosen already, as the last known working; confirm, and watch the
     lights turn green again without a reload.
  2. Ask for trouble. Roll hsb0 back to Gen 20: two of its units fail there, and the page says so
     although the rollback got where it should. Gen 19 needs a reboot, Gen 45 of gpc0 is
     garbage-collected, Gen 41 is older than 30 days: the dialog says that, too.
  3. Bring csb0 up to date. Git and Lock are yellow: press Pull, then Switch.

Everything is in {folder}, the log of the server and of each agent too.
{end}",
        url = demo.url,
        user = demo.user,
        password = demo.password,
        hosts = hosts(demo),
        folder = demo.folder.display(),
        end = end(until),
    )
}

fn hosts(demo: &Description) -> String {
    let lines = demo.hosts.iter().map(|host| {
        format!(
            "  {:<8} {:<13} Gen {:<4} {}/{} tests passed\n",
            host.host.name,
            host.host.platform.title(),
            host.generation,
            host.tests_passed,
            host.tests_total
        )
    });
    lines.collect()
}

fn end(until: Option<Duration>) -> String {
    let leaves = "leaves nothing behind";
    match until.map(|time| time.as_secs()) {
        None => format!("Ctrl-C ends it and {leaves}."),
        Some(seconds) => format!("It ends by itself after {seconds} s, or with Ctrl-C, and {leaves}."),
    }
}
