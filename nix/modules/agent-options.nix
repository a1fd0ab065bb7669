# The options that every module of the agent has. `settings` has the keys of agent/src/config, with the names that the file has.
{
  lib,
  package,
  secretFile,
}:

let
  inherit (lib) mkOption types;

  key = import ./key.nix { inherit lib; };
  seconds = types.ints.positive;
  file = types.strMatching "/.+";
  command = key (types.nonEmptyListOf types.str);

  # One of `settings.tests.probes`.
  options = {
    unit = key types.str "A unit of systemd that must be active.";
    tcp = key (types.strMatching ".+:[0-9]+") "A host and port that must accept connections.";
    http = key (types.strMatching "https?://[^@# ]+") "The address of a web service that must answer. Redirects are not followed.";
    status = key types.ints.positive "With `http`: the status of the answer. By default any from 200 to 299.";
    body = key types.str "With `http`: a text that the answer must contain.";
    file = key file "A file that must exist.";
    command = command "A program and its arguments, which must exit with 0.";
  };

  settings.options = {
    server = mkOption {
      type = types.strMatching "(https?|wss?)://[^@?# ]+";
      example = "https://backstay.example.org";
      description = "The server's address. The connection carries the agent's token: use `http` in a private network only.";
    };
    name = key (types.strMatching "[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]{0,61}[A-Za-z0-9]") "The host's name in the fleet. By default its host name, up to the first dot.";
    state_dir = key file "The folder for the agent's token, its journal and test results.";
    ca_certificate = key types.path "Certificates in PEM form that may sign the server's, in addition to the system's.";
    watch_interval = key seconds "Seconds between checks for changes on the host.";
    observe = key types.bool "Whether something else deploys this host. The agent then reports, tests and rolls back, needs no checkout, and refuses to pull or switch.";
    profile = {
      path = key file "The Nix profile whose generations are the host's.";
      running_system = key file "The link to the running system.";
      booted_system = key file "The link to the booted system (NixOS).";
    };
    checkout = {
      path = key file "The checkout of the configuration repository on this host.";
      branch = key (types.strMatching "[^-].*") "The branch to follow.";
    };
    tests = {
      dir = key file "The folder with the host's own tests, if they are not in the option `tests`.";
      basic = key types.bool "Whether the host also has the basic tests, which need no program: failed units, network, clock, space and more.";
      leave_out = key (types.listOf (
        types.enum [
          "clock"
          "default-route"
          "display"
          "dns"
          "failed-units"
          "server"
          "space"
          "sshd"
        ]
      )) "Basic tests that this host does not have.";
      probes = key (types.attrsOf (types.submodule { inherit options; })) "More tests without a program, by name. Each sets exactly one of `unit`, `tcp`, `http`, `file` and `command`.";
      timeout = key seconds "The time limit of each test in seconds, unless one is set on the host's page.";
      max_timeout = key seconds "Upper bound on the limit set there.";
      keep_days = key types.ints.unsigned "Days that results on generations that left the profile are kept.";
    };
    switch = {
      attribute = key types.str "The configuration's name in the checkout's flake. By default the host's name.";
      flake = key types.str "The complete flake reference that a switch builds, instead of checkout and attribute.";
    };
    activation.min_timeout = key seconds "Lower bound on the time limit of a rollback or switch in seconds, whatever the server says.";
    commands = {
      nix = command "Compares the packages of two builds.";
      nix_env = command "Points a profile at one of its generations.";
      nixos_rebuild = command "Switches NixOS. A rollback does not use it.";
      darwin_rebuild = command "Switches nix-darwin, and rolls it back.";
      home_manager = command "Switches home-manager.";
      git = command "Reads and pulls the checkout.";
      sudo = command "Goes before what only root may run, if the agent is not root.";
      systemctl = command "Lists failed units and running activations, and stops the latter.";
      systemd_run = command "Gives a runner a scope of its own, if the agent is a systemd service.";
    };
  };
in
{
  enable = lib.mkEnableOption "the Backstay agent";
  package = mkOption {
    type = types.package;
    default = package;
    defaultText = lib.literalExpression "packages.agent";
    description = "The package with `bin/backstay-agent`.";
  };
  settings = mkOption {
    type = types.submodule settings;
    example = lib.literalExpression ''
      {
        server = "https://backstay.example.org";
        checkout.path = "/etc/nixos";
      }
    '';
    description = "The agent's configuration file. `agent/backstay-agent.example.toml` explains every key.";
  };
  joinTokenFile = mkOption {
    type = types.nullOr secretFile;
    default = null;
    example = "/run/secrets/backstay-join-token";
    description = "A file with the join token. The agent reads it until the host is enrolled; after that it may be gone.";
  };
  tests = mkOption {
    type = types.attrsOf (types.either types.lines types.path);
    default = { };
    example = lib.literalExpression ''
      {
        x11 = "systemctl is-active display-manager";
        website = pkgs.writeShellApplication { name = "website"; runtimeInputs = [ pkgs.curl ]; text = "curl -f localhost"; };
      }
    '';
    description = "The host's own tests by name: each a shell script, or a program. A test passes by exiting with 0; the first command that fails ends a script. Tests run in the order of their names.";
  };
}
