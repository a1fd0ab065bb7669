# What the agent's modules share: its options, its configuration file and its service, for NixOS, home-manager and nix-darwin.
{ lib, pkgs, cfg, platform }:

let
  inherit (lib) mkOption types;
  toml = pkgs.formats.toml { };
  key = type: description: mkOption { type = types.nullOr type; default = null; inherit description; };
  seconds = types.ints.positive;
  argv = types.nonEmptyListOf types.str;

  # The keys of agent.toml. Whatever is left out keeps the agent's own default.
  settings = types.submodule {
    options = {
      server = mkOption {
        type = types.strMatching "(https?|wss?)://[^@?# ]+";
        example = "https://backstay.example.org";
        description = "The server's address.";
      };
      name = key (types.strMatching "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?") "The host's name in the fleet; by default, its host name.";
      state_dir = key types.str "Folder for the agent's token, journal and test results.";
      ca_certificate = key types.str "PEM file with certificates that may have signed the server's, in addition to the system's.";
      watch_interval = key seconds "Seconds between two checks for changes on the host.";
      profile.path = key types.str "The Nix profile whose generations are the host's.";
      profile.running_system = key types.str "The link to what runs.";
      profile.booted_system = key types.str "The link to what was booted (NixOS).";
      checkout.path = key types.str "The checkout of the configuration repository on this host.";
      checkout.branch = key types.str "The branch that the checkout follows.";
      tests.timeout = key seconds "Seconds that each test may take, unless the host's page sets another limit.";
      tests.max_timeout = key seconds "The highest limit that the host's page may set.";
      switch.attribute = key types.str "The configuration's name in the checkout's flake; by default, the host's name.";
      switch.flake = key types.str "A whole flake reference to build instead of the checkout.";
      activation.min_timeout = key seconds "The least number of seconds that a rollback or switch may take, whatever the server asks for.";
      commands = mkOption {
        type = types.attrsOf argv;
        default = { };
        example = { git = [ "sudo" "--non-interactive" "--user=alex" "git" ]; };
        description = "Programs that the agent runs, each with its first arguments.";
      };
    };
  };

  # TOML has no null: keys that were left out are left out of the file.
  given = lib.filterAttrsRecursive (_: value: value != null && value != { }) (
    cfg.settings // { inherit platform; } // lib.optionalAttrs (cfg.joinTokenFile != null) { join_token_file = cfg.joinTokenFile; }
      // { tests = cfg.settings.tests // lib.optionalAttrs (cfg.tests != { }) { dir = "${testsFolder}"; }; }
  );

  # Tests run in the order of their names.
  testsFolder = pkgs.linkFarm "backstay-tests" (
    lib.mapAttrsToList (name: script: {
      inherit name;
      path = if builtins.isString script then pkgs.writeShellScript "backstay-test-${name}" script else script;
    }) cfg.tests
  );
in
{
  options = {
    enable = lib.mkEnableOption "the Backstay agent";
    package = mkOption {
      type = types.package;
      description = "The package with `bin/backstay-agent`.";
    };
    settings = mkOption {
      type = settings;
      description = "The agent's configuration file. agent/backstay-agent.example.toml explains every key.";
    };
    joinTokenFile = mkOption {
      # A string, never a path: a path literal would copy the token into the world-readable store.
      type = types.nullOr (types.strMatching "/.*");
      default = null;
      example = "/run/secrets/backstay-join-token";
      description = "File with the join token. The agent reads it until the host is enrolled.";
    };
    tests = mkOption {
      type = types.attrsOf (types.either types.lines types.path);
      default = { };
      example = lib.literalExpression ''{ "10-x11" = "systemctl is-active display-manager"; }'';
      description = "The host's tests by name, each a shell script or a program. A test passes by exiting with 0. They run in the order of their names.";
    };
  };

  file = toml.generate "backstay-agent.toml" given;
  inherit given;
  run = file: "${cfg.package}/bin/backstay-agent --config ${file} run";
}
