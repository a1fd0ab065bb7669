# Evaluates the modules as a host would, and returns what they make of it. `lib` is nixpkgs' library, or as much of it as
# lib.nix has.
{ lib ? import ./lib.nix }:

let
  derivation = name: { type = "derivation"; inherit name; outPath = "/nix/store/00000000000000000000000000000000-${name}"; };
  pkgs = {
    inherit lib;
    git = derivation "git";
    formats.toml = _: { type = lib.types.anything; generate = name: value: derivation name // { inherit value; }; };
    linkFarm = name: entries: derivation name // { inherit entries; };
    writeShellScript = name: text: derivation name // { inherit text; };
  };
  modules = import ../modules { package = _: { agent = derivation "backstay-agent"; server = derivation "backstay-server"; }; };

  anything = lib.mkOption { type = lib.types.attrsOf lib.types.anything; default = { }; };
  # The options of other modules that ours set or read.
  host = {
    options = {
      systemd = anything;
      environment = anything;
      networking = anything;
      xdg = anything;
      launchd = anything;
      nix = anything;
      system = anything;
      assertions = lib.mkOption { type = lib.types.listOf lib.types.anything; default = [ ]; };
    };
    config._module.args = { inherit pkgs; };
  };
  evaluate = module: settings: (lib.evalModules { modules = [ host module settings ]; }).config;
  nixos = { nix.package = derivation "nix"; system.build.nixos-rebuild = derivation "nixos-rebuild"; };
  home = { xdg = { stateHome = "/home/ada/.local/state"; configHome = "/home/ada/.config"; }; };
  server = "https://backstay.example.org";

  agent = evaluate modules.nixosModules.agent (nixos // {
    services.backstay-agent = {
      enable = true;
      settings = { inherit server; checkout.path = "/srv/fleet"; commands.git = [ "sudo" "git" ]; };
      joinTokenFile = "/run/secrets/join";
      tests."10-x11" = "systemctl is-active display-manager";
    };
  });
  withServer = settings: evaluate modules.nixosModules.server { services.backstay-server = { enable = true; } // settings; };
  refused = value: !(builtins.tryEval (builtins.deepSeq value true)).success;
in
{
  agent = {
    unit = agent.systemd.services.backstay-agent;
    settings = agent.environment.etc."backstay/agent.toml".source.value;
    inherit (agent.environment.etc."backstay/agent.toml") source;
  };

  home = let made = evaluate modules.homeManagerModules.agent (home // { services.backstay-agent = { enable = true; settings = { inherit server; }; }; }); in {
    unit = made.systemd.user.services.backstay-agent;
    settings = made.xdg.configFile."backstay/agent.toml".source.value;
  };

  darwin = let made = evaluate modules.darwinModules.agent { services.backstay-agent = { enable = true; settings = { inherit server; }; }; }; in {
    daemon = made.launchd.daemons.backstay-agent.serviceConfig;
    settings = made.environment.etc."backstay/agent.toml".source.value;
  };

  server = let made = withServer { publicUrl = server; credentials.github-token = "/run/secrets/token"; openFirewall = true; }; in {
    unit = made.systemd.services.backstay-server;
    ports = made.networking.firewall.allowedTCPPorts;
    holds = builtins.all (assertion: assertion.assertion) made.assertions;
  };

  # Each of these must be an error, or fail an assertion.
  refused = {
    no-server = refused (evaluate modules.nixosModules.agent (nixos // { services.backstay-agent.enable = true; })).environment.etc."backstay/agent.toml".source.value;
    unknown-key = refused (evaluate modules.nixosModules.agent (nixos // { services.backstay-agent = { enable = true; settings = { inherit server; chekout.path = "/"; }; }; })).environment.etc."backstay/agent.toml".source.value;
    address-without-scheme = refused (evaluate modules.nixosModules.agent (nixos // { services.backstay-agent = { enable = true; settings.server = "backstay"; }; })).environment.etc."backstay/agent.toml".source.value;
    token-in-the-store = refused (evaluate modules.nixosModules.agent (nixos // { services.backstay-agent = { enable = true; settings = { inherit server; }; joinTokenFile = ./default.nix; }; })).environment.etc."backstay/agent.toml".source.value;
    public-url-with-a-path = refused (withServer { publicUrl = "https://example.org/backstay"; }).systemd.services.backstay-server;
    secret-in-the-environment = !(builtins.all (assertion: assertion.assertion) (withServer { environment.BACKSTAY_GITHUB_TOKEN_FILE = "/x"; }).assertions);
  };
}
