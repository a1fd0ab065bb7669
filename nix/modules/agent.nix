# What the modules of the agent share: options, the configuration file, and checks.
{
  lib,
  pkgs,
  cfg,
  packages,
  platform,
}:

let
  secrets = import ./secrets.nix { inherit lib; };

  program =
    name: test:
    if builtins.isString test then
      pkgs.writeShellScript "backstay-test-${name}" "set -euo pipefail\n${test}"
    else if test ? meta.mainProgram then
      lib.getExe test
    else
      test;

  testsFolder = pkgs.linkFarm "backstay-tests" (
    lib.mapAttrsToList (name: test: {
      inherit name;
      path = program name test;
    }) cfg.tests
  );

  # Keys that have an option of their own, or none.
  fixed = {
    inherit platform;
    join_token_file = cfg.joinTokenFile;
  };
  hasTests = cfg.tests != { };
  all =
    cfg.settings
    // fixed
    // lib.optionalAttrs hasTests {
      tests = cfg.settings.tests // {
        dir = "${testsFolder}";
      };
    };

  # TOML has no null: a key without a value is left out of the file.
  given = lib.filterAttrsRecursive (_: value: value != null) all;
in
{
  options = import ./agent-options.nix {
    inherit lib;
    inherit (secrets) secretFile;
    package = (packages pkgs).agent;
  };

  assertions = [
    (secrets.assertion "services.backstay-agent.joinTokenFile" cfg.joinTokenFile)
    {
      assertion = !hasTests || cfg.settings.tests.dir == null;
      message = "services.backstay-agent: `tests` makes the folder of tests, so `settings.tests.dir` cannot name another one. Set one of them.";
    }
    {
      assertion = lib.all (name: builtins.match "[^./][^/]*" name != null) (builtins.attrNames cfg.tests);
      message = "services.backstay-agent.tests: a name is a file name. It has no slash, and does not begin with a dot, or the agent would not see it.";
    }
  ];

  file = (pkgs.formats.toml { }).generate "backstay-agent.toml" given;
  run = file: "${cfg.package}/bin/backstay-agent --config ${file} run";
}
