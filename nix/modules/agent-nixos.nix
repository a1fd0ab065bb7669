# The agent on a NixOS host, as root.
{ config, lib, pkgs, ... }:

let
  cfg = config.services.backstay-agent;
  agent = import ./agent-settings.nix { inherit lib pkgs cfg; platform = "nixos"; };
in
{
  options.services.backstay-agent = agent.options // {
    extraPackages = lib.mkOption {
      type = lib.types.listOf lib.types.package;
      default = [ ];
      example = lib.literalExpression "[ pkgs.git-lfs ]";
      description = "Further packages in the agent's PATH, for git and for tests.";
    };
  };

  config = lib.mkIf cfg.enable {
    environment.etc."backstay/agent.toml".source = agent.file;

    systemd.services.backstay-agent = {
      description = "Backstay agent";
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [ "network-online.target" "nix-daemon.socket" ];
      # A unit of NixOS finds systemd's programs, and neither Nix nor git nor nixos-rebuild.
      path = [ config.nix.package pkgs.git config.system.build.nixos-rebuild ] ++ cfg.extraPackages ++ [ "/run/wrappers" "/run/current-system/sw" ];
      environment.HOME = "/root";
      # The activation restarts the agent at its end instead of stopping it first, so that the op's lines keep coming and a
      # cancel arrives.
      stopIfChanged = false;
      restartTriggers = [ agent.file ];
      # An agent that cannot start is tried again without end.
      unitConfig.StartLimitIntervalSec = 0;
      # No sandbox: an op inherits it, and with it the activation. docs/running-the-agent.md has the table.
      serviceConfig = {
        ExecStart = agent.run "/etc/backstay/agent.toml";
        KillMode = "process";
        Restart = "always";
        RestartSec = 2;
      };
    };
  };
}
