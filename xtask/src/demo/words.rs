//! The text that the demo prints once it is ready.

use std::time::Duration;

use super::start::Description;

/// Returns the address, the login, the hosts, and what to try.
pub(crate) fn welcome(demo: &Description, until: Option<Duration>) -> String {
    format!(
        "Backstay runs, with four hosts and a stand-in for GitHub.

  Open       {url}
  User       {user}
  Password   {password}

Hosts
{hosts}
The way back of one host
  1. Repair gpc0. This morning's update broke it: 5 of its 8 tests fail. In its menu (\u{22ee}) choose
     “Rollback System”. Gen 47 is chosen already, as the last known working; confirm, and watch the
     lights turn green again without a reload.
  2. Ask for trouble. Roll hsb0 back to Gen 20: two of its units fail there, and the page says so
     although the rollback got where it should. Gen 19 needs a reboot, Gen 45 of gpc0 is
     garbage-collected, Gen 41 is older than 30 days: the dialog says that, too.
  3. Bring csb0 up to date. Git and Lock are yellow: press Pull, then Switch.

The way back of the fleet
  4. Merge pull request #{pull_request}, “Update flake.lock”. Git and Lock of every host turn yellow.
  5. Pull and Switch gpc0, hsb0 and imac0, and leave csb0 for later. imac0's test x11 and hsb0's test
     gpu fail, and the page says “Deployment Failed”.
  6. Press “Revert PR”. A real revert commit is made; Pull and Switch the hosts once more: all is green.

Everything is in {folder}, the log of the server and of each agent too.
{end}",
        url = demo.url,
        user = demo.user,
        password = demo.password,
        hosts = hosts(demo),
        pull_request = demo.github.pull_request,
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
        Some(seconds) => format!("It ends after {seconds} s, or with Ctrl-C, and {leaves}."),
    }
}
