//! Activations that systemd runs on behalf of `nixos-rebuild`. They are children of PID 1, so nothing that
//! happens to `nixos-rebuild` reaches them.

use std::fs;

use backstay_model::OpAction;
use backstay_model::Outcome;
use backstay_model::wire::message::ServerMessage;

use crate::host::{ACTIVATE, HOLD, Host};
use crate::process::{is_running, kill};
use crate::rollback::one;
use crate::server::Server;
use crate::wait::until;

/// A host on Gen 3 whose `nixos-rebuild` uses a ready build and has systemd activate it, as the real one
/// does: separate from its own processes, without the files they hold open. (Seen: nixos-rebuild-ng of
/// nixpkgs 2026-10, `systemd-run --pipe --wait --unit=nixos-rebuild-switch-to-configuration`.)
fn host(suffix: &str, switch: &str) -> Host {
    let host = Host::with_three();
    let build = host.build("four", switch);
    host.stand_in(
        "nixos-rebuild",
        &format!(
            "echo 'building the system configuration...' >&2\n\
             echo $$ >\"$host/rebuild\"\n\
             nix-env --profile \"$host/profiles/system\" --set {0} || exit 1\n\
             setsid sh -c 'exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-\n\
             trap \"rm -f $1/unit\" EXIT; trap \"exit 143\" TERM; echo $$ >$1/unit-pid\n\
             echo nixos-rebuild-switch-to-configuration{suffix}.service loaded active running s >$1/unit\n\
             {0}/bin/switch-to-configuration switch' sh \"$host\" &\n\
             wait $! && exit 0\n\
             echo \"Command 'systemd-run -E LOCALE_ARCHIVE switch' returned non-zero exit status $?.\" >&2\nexit 1\n",
            build.display()
        ),
    );
    host.stand_in(
        "systemctl",
        "case $1 in\n\
         list-units) [ ! -e \"$host/unit\" ] || cat \"$host/unit\" ;;\n\
         stop) env kill -s TERM -- \"-$(cat \"$host/unit-pid\")\"; while [ -e \"$host/unit\" ]; do sleep 0.02; done ;;\n\
         esac\n",
    );
    host.hold();
    host
}

fn held() -> String {
    format!("echo 'activating the configuration...' >&2\n{HOLD}run_it\n")
}

#[tokio::test]
async fn a_cancelled_switch_ends_with_its_activation() {
    let host = host("", &held());
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = connection.run(OpAction::Switch).await;
    until("the op to pause", || host.is_holding()).await;
    connection.send(&ServerMessage::Cancel { op }).await;
    until("that to be reported", || host.has_told(op, "not stopped half-way")).await;
    host.let_go();
    let heard = connection.finish(op).await;
    let message = heard.expect(Outcome::Completed);
    assert!(message.contains("Switched to Gen 4.") && message.contains("cancel came too late"), "{message}");
    assert_eq!((host.current(), host.running()), (4, host.store_path(4)));
}

#[tokio::test]
async fn what_systemd_activates_is_stopped_when_time_runs_out() {
    // Versions of 2026 append a suffix.
    let host = host("-9767bc07", &held());
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = connection.run_within(OpAction::Switch, 4).await;
    let heard = connection.finish(op).await;
    let message = heard.expect(Outcome::TimedOut);
    let parts =
        ["took too long", "Parts of the new generation may be active", "points at Gen 4, but Gen 3 runs"];
    for part in parts {
        assert!(message.contains(part), "{message}");
    }
    let unit: i32 = fs::read_to_string(host.at("unit-pid")).unwrap().trim().parse().unwrap();
    assert!(!host.at("unit").exists() && !is_running(unit));
    assert!(
        host.calls()
            .iter()
            .any(|call| call == "systemctl stop -- nixos-rebuild-switch-to-configuration-9767bc07.service")
    );
}

#[tokio::test]
async fn an_activation_that_outlives_its_nixos_rebuild_is_waited_for() {
    let host = host("", &held());
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = connection.run(OpAction::Switch).await;
    until("the op to pause", || host.is_holding()).await;
    kill(fs::read_to_string(host.at("rebuild")).unwrap().trim().parse().unwrap());
    let unit = "systemd is still running nixos-rebuild-switch-to-configuration.service";
    until("that to be reported", || host.has_told(op, unit)).await;
    host.let_go();
    let heard = connection.finish(op).await;
    let message = heard.expect(Outcome::Failed);
    assert!(
        message.contains("was ended by signal 9") && message.contains("The host is on Gen 4."),
        "{message}"
    );
}

#[tokio::test]
async fn an_activation_that_outlives_its_runner_is_waited_for() {
    let host = host("", &held());
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let op = connection.run(OpAction::Switch).await;
    until("the op to pause", || host.is_holding()).await;
    // Kill the runner and its command's whole group, as the end of its scope would.
    kill(host.runner(op));
    kill(fs::read_to_string(host.at("rebuild")).unwrap().trim().parse().unwrap());
    let asked = || host.calls().iter().filter(|call| call.starts_with("systemctl list-units")).count();
    let before = asked();
    until("systemd to be asked", || asked() > before + 1).await;
    host.let_go();
    let heard = connection.finish(op).await;
    assert!(heard.expect(Outcome::Failed).contains("runner was killed"));
    // The facts were read after the activation had ended.
    assert_eq!(heard.facts.running_generation().unwrap().number, 4);
}

#[tokio::test]
async fn a_rollback_is_refused_while_systemd_activates_for_somebody_else() {
    let host = host("", ACTIVATE);
    fs::write(
        host.at("unit"),
        "nixos-rebuild-switch-to-configuration.service loaded active running switch\n",
    )
    .unwrap();
    let heard = one(&host, host.rollback(3, 2)).await;
    let message = heard.expect(Outcome::Refused);
    assert!(
        message.contains("Another activation is running") && message.contains("Nothing was changed"),
        "{message}"
    );
    assert_eq!((host.current(), host.switches()), (3, 0));
}
