//! The programs of a build of NixOS or home-manager: scripts that do what a dashboard can see.
//!
//! Their output and exit codes are those of the real programs: nixos-rebuild-ng and
//! switch-to-configuration-ng of nixpkgs 2026-10, home-manager 26.05, under systemd 252 and 257.

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The course of an activation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Activation {
    /// The exit code. 1: the boot loader could not be installed, nothing was activated. 2: a script failed on
    /// the way. 4: it is active, but units failed. 11: another switch holds the lock, which the scripts
    /// handle themselves. 100: it takes effect at the next boot.
    pub exit: u8,
    /// The failed units, reported with 4.
    pub failed_units: Vec<String>,
    /// The time per line of output, in milliseconds.
    pub pace: u32,
}

/// The start of every activation script: its host and build, and its functions.
fn opening(host: &Path, activation: &Activation) -> String {
    let seconds = format!("{}.{:03}", activation.pace / 1000, activation.pace % 1000);
    let pause = if activation.pace == 0 { ":".to_owned() } else { format!("sleep {seconds} 9>&-") };
    format!(
        r#"#!/bin/sh
host='{host}'
build=$(dirname "$(readlink -f "$0")")
say() {{ printf '%s\n' "$*" >&2; {pause}; }}
record() {{ printf '%s %s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" "$build" >>"$host/activations.log"; }}
# To inspect a running switch, create `hold`, wait for `holding`, and remove `hold` to let it continue.
hold() {{ while [ -e "$host/hold" ]; do : >"$host/holding"; sleep 0.05 9>&-; done; rm -f "$host/holding"; }}
# A program here runs in the middle of every switch.
during() {{ if [ -x "$host/during" ]; then "$host/during" 9>&-; fi; }}
"#,
        host = host.display()
    )
}

/// NixOS's `bin/switch-to-configuration`.
pub(super) fn switch_to_configuration(host: &Path, activation: &Activation) -> String {
    let mut script = opening(host, activation);
    // Like the real one, it takes the lock first for every action, exits with the error's number if another
    // process holds the lock, and lets no child inherit it.
    script.push_str(
        r#"build=$(dirname "$build")
mkdir -p "$host/run/nixos"
exec 9>>"$host/run/nixos/switch-to-configuration.lock"
if ! flock --nonblock 9; then
    say "Could not acquire lock"
    exit 11
fi
boot_loader() {
    say "updating GRUB 2 menu..."
"#,
    );
    if activation.exit == 1 {
        script.push_str("    say \"Failed to install bootloader\"\n    exit 1\n");
    }
    script.push_str(
        r#"}
activate() {
    say "stopping the following units: systemd-tmpfiles-resetup.service"
    hold
    during
    say "activating the configuration..."
    say "setting up /etc..."
    ln -sfn "$build" "$host/run/current-system"
    record "$1"
    say "reloading the following units: dbus.service, firewall.service"
    say "restarting the following units: nscd.service, sshd.service"
    say "starting the following units: systemd-tmpfiles-resetup.service"
"#,
    );
    script.push_str(&ending(activation));
    script.push_str(
        r#"}
case "$1" in
check) say "all pre-switch checks passed" ;;
boot) boot_loader; record boot ;;
switch) boot_loader; activate switch ;;
test) activate test ;;
dry-activate) say "would activate the configuration..." ;;
*)
    echo "Usage: switch-to-configuration [check|switch|boot|test|dry-activate]" >&2
    exit 1
    ;;
esac
"#,
    );
    script
}

/// home-manager's `activate`. With `--driver-version 1` it leaves the profile to its caller.
pub(super) fn home_activate(host: &Path, profile: &Path, activation: &Activation) -> String {
    let mut script = opening(host, activation);
    let _ = write!(
        script,
        r#"profile='{}'
driver=0
while [ $# -gt 0 ]; do
    case "$1" in
    --driver-version) driver=$2; shift ;;
    *) ;;
    esac
    shift
done
say "Starting Home Manager activation"
say "Activating checkFilesChanged"
say "Activating checkLinkTargets"
hold
during
say "Activating writeBoundary"
"#,
        profile.display()
    );
    script.push_str(
        r#"if [ "$driver" -lt 1 ] && [ "$(readlink -f "$profile")" != "$build" ]; then
    say "Creating new profile generation"
    nix-env --profile "$profile" --set "$build" || exit 1
fi
say "Activating linkGeneration"
roots="${XDG_STATE_HOME:-$HOME/.local/state}/home-manager/gcroots"
mkdir -p "$roots"
ln -sfn "$build" "$roots/new-home"
record activate
say "Activating installPackages"
say "Activating reloadSystemd"
"#,
    );
    script.push_str(&ending(activation));
    // The link to the running generation is set last.
    script.push_str("ln -sfn \"$build\" \"$roots/current-home\"\nrm -f \"$roots/new-home\"\n");
    script
}

fn ending(activation: &Activation) -> String {
    match (activation.exit, activation.failed_units.as_slice()) {
        (0 | 1, _) => String::new(),
        (2, _) => "    say \"Activation script snippet 'users' failed (1)\"\n    exit 2\n".to_owned(),
        (exit, []) => format!("    exit {exit}\n"),
        (exit, units) => {
            format!(
                "    say \"warning: the following units failed: {}\"\n    exit {exit}\n",
                units.join(", ")
            )
        }
    }
}

/// NixOS's `nixos-version`, the only place in which a build records its configuration revision.
pub(super) fn nixos_version(label: &str, commit: Option<&str>) -> String {
    let revision = match commit {
        Some(commit) => format!("echo '{commit}'"),
        None => "echo \"$0: configuration revision is unknown\" >&2; exit 1".to_owned(),
    };
    let json = serde_json::json!({ "nixosVersion": label, "configurationRevision": commit });
    format!(
        r#"#!/bin/sh
case "$1" in
--configuration-revision) {revision} ;;
--json) echo '{json}' ;;
*) echo '{label} (Xantusia)' ;;
esac
"#
    )
}

/// `nixos-rebuild`. If the activation fails, its last line names the command and not the cause, and it passes
/// the exit code on. The real one has systemd activate in a separate unit. That unit would be the machine's
/// here, so this one only names it; `testing/guest` has one that does it.
pub(super) fn nixos_rebuild(host: &Path, profile: &Path, checkout: &Path, builder: &Path) -> String {
    let mut script = rebuild(host, profile, checkout, builder);
    script.push_str(
        r#""$profile/bin/switch-to-configuration" switch && exit 0
status=$?
echo "Command 'systemd-run -E LOCALE_ARCHIVE -E NIXOS_INSTALL_BOOTLOADER --collect --no-ask-password --pipe --quiet --service-type=exec --unit=nixos-rebuild-switch-to-configuration --wait $profile/bin/switch-to-configuration switch' returned non-zero exit status $status." >&2
exit $status
"#,
    );
    script
}

/// `home-manager`.
pub(super) fn home_manager(host: &Path, profile: &Path, checkout: &Path, builder: &Path) -> String {
    let mut script = rebuild(host, profile, checkout, builder);
    script.push_str("exec \"$profile/activate\" --driver-version 1\n");
    script
}

/// Both programs up to the activation: `switch` uses the ready build of the checkout's commit, or has
/// `builder` (this program) build it, and points the profile at it.
fn rebuild(host: &Path, profile: &Path, checkout: &Path, builder: &Path) -> String {
    format!(
        r#"#!/bin/sh
host='{host}' profile='{profile}' checkout='{checkout}'
case " $* " in
*" --rollback "*)
    # The real one first builds the checkout, and ends if that fails. Nothing should need it.
    echo "error: --rollback is not known here" >&2
    exit 1
    ;;
*" switch "*) ;;
*)
    echo "error: only switch is known here" >&2
    exit 1
    ;;
esac
commit=$(git -C "$checkout" rev-parse HEAD) || exit 1
echo "building the system configuration..." >&2
if [ -e "$host/builds/$commit" ]; then
    build=$(readlink -f "$host/builds/$commit")
else
    build=$('{builder}' host-build "$host") || exit 1
fi
nix-env --profile "$profile" --set "$build" || exit 1
"#,
        host = host.display(),
        profile = profile.display(),
        checkout = checkout.display(),
        builder = builder.display(),
    )
}

/// `systemctl list-units --state=failed` and the like, whatever the options: the failed units of the running
/// build.
pub(super) fn systemctl(running: &Path) -> String {
    format!("#!/bin/sh\nexec sed 's/$/ loaded failed failed/' '{}/failed-units'\n", running.display())
}

/// One of a host's own tests: fails if the running build says so, as `name` or `name: why`.
pub(super) fn health_check(running: &Path) -> String {
    format!(
        r#"#!/bin/sh
name=$(basename "$0")
while IFS= read -r line; do
    case "$line" in
    "$name") echo "$name: not as it should be" >&2; exit 1 ;;
    "$name: "*) echo "$line" >&2; exit 1 ;;
    *) ;;
    esac
done <'{running}/failing-tests'
echo "$name: fine"
"#,
        running = running.display()
    )
}
