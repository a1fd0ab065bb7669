# Tests in virtual machines, with the modules as a host has them. They need KVM. Nobody has run them yet: see docs/nix.md.
{ pkgs, modules }:

let
  inherit (pkgs) lib;
  # One machine is server and host at the same time.
  test =
    name: script:
    pkgs.testers.runNixOSTest {
      name = "backstay-${name}";
      nodes.machine.imports = [
        modules.nixosModules.server
        modules.nixosModules.agent
        ./machine.nix
      ];
      testScript = builtins.readFile ./prelude.py + builtins.readFile script;
    };
in
lib.mapAttrs' (name: script: lib.nameValuePair "vm-${name}" (test name script)) {
  first-page = ./first-page.py;
  rollback = ./rollback.py;
  restarted-agent = ./restarted-agent.py;
  dead-network = ./dead-network.py;
}
