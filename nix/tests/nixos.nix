# Evaluates whole NixOS systems with the modules, and returns the text of their units. `nixpkgs` is the path of a checkout.
# Nothing is built.
{ nixpkgs }:

let
  pkgs = import nixpkgs {
    system = "x86_64-linux";
    config = { };
    overlays = [ ];
  };
  inherit (pkgs) lib;

  program = name: {
    type = "derivation";
    inherit name;
    outPath = "/nix/store/00000000000000000000000000000000-${name}";
  };
  modules = import ../modules {
    packages = _: {
      agent = program "backstay-agent";
      server = program "backstay-server";
    };
  };

  system =
    config:
    (import (nixpkgs + "/nixos/lib/eval-config.nix") {
      system = null;
      inherit lib pkgs;
      modules = [
        modules.nixosModules.agent
        modules.nixosModules.server
        # A module may come from two places.
        modules.nixosModules.agent
        config
      ];
    }).config;
  agent =
    settings:
    system {
      services.backstay-agent = {
        enable = true;
        settings.server = "https://backstay.example.org";
        tests.x11 = "systemctl is-active display-manager";
        rev = "4f1c2e9";
      }
      // settings;
    };
  asRoot = agent { };
  asUser = agent { user = "backstay"; };
  server = system {
    services.backstay-server = {
      enable = true;
      openFirewall = true;
      settings = {
        listen = "0.0.0.0:7340";
        public-url = "https://backstay.example.org";
        github-repository = "you/nixcfg";
        github-token-file = "/run/secrets/token";
      };
    };
  };

  # These lines name store paths of nixpkgs, which change with it.
  ofNixpkgs = line: builtins.match "Environment=\"(PATH|LOCALE_ARCHIVE|TZDIR)=.*|X-Restart-Triggers=.*" line != null;
  unit =
    system: name:
    lib.concatStringsSep "\n" (
      builtins.filter (line: !ofNixpkgs line) (lib.splitString "\n" system.systemd.units."${name}.service".text)
    );

  # A whole system has assertions of its own, such as on its file systems.
  ours = system: builtins.filter (failed: lib.hasInfix "backstay" failed.message) (builtins.filter (it: !it.assertion) system.assertions);
in
{
  units = {
    "agent.service" = unit asRoot "backstay-agent";
    "agent-as-user.service" = unit asUser "backstay-agent";
    "server.service" = unit server "backstay-server";
  };
  # Each must be true.
  holds = {
    "no assertion fails" = ours asRoot ++ ours asUser ++ ours server == [ ];
    "the firewall is open for the server alone" =
      builtins.elem 7340 server.networking.firewall.allowedTCPPorts && !builtins.elem 7340 asRoot.networking.firewall.allowedTCPPorts;
    "the commit of the configuration is known" = asRoot.system.configurationRevision == "4f1c2e9";
    "the user of the agent has sudo" = lib.hasInfix "\nbackstay ALL = (root) NOPASSWD: BACKSTAY" asUser.security.sudo.extraConfig;
    "root needs no user" = !(asRoot.users.users ? backstay);
    "the wrappers, with sudo, and Nix come first in the agent's PATH" =
      lib.take 2 asRoot.systemd.services.backstay-agent.path == [
        "/run/wrappers"
        asRoot.nix.package
      ];
    "an unknown user is refused" = builtins.length (ours (agent { user = "alex"; })) == 1;
  };
}
