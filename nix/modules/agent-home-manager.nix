# The agent of one user's home. Let it run without anybody being logged in: loginctl enable-linger USER, once, as root.
{ config, lib, pkgs, ... }:

let
  cfg = config.services.backstay-agent;
  agent = import ./agent-settings.nix { inherit lib pkgs cfg; platform = "home-manager"; };
in
{
  options.services.backstay-agent = agent.options;

  config = lib.mkIf cfg.enable {
    services.backstay-agent.settings.state_dir = lib.mkDefault "${config.xdg.stateHome}/backstay-agent";

    xdg.configFile."backstay/agent.toml".source = agent.file;

    systemd.user.services.backstay-agent = {
      Unit = {
        Description = "Backstay agent of this user's home";
        StartLimitIntervalSec = 0;
        X-Restart-Triggers = [ "${agent.file}" ];
      };
      Service = {
        ExecStart = agent.run "${config.xdg.configHome}/backstay/agent.toml";
        Environment = [
          "PATH=%h/.nix-profile/bin:%h/.local/state/nix/profile/bin:/etc/profiles/per-user/%u/bin:/run/wrappers/bin:/run/current-system/sw/bin:/nix/var/nix/profiles/default/bin:/usr/local/bin:/usr/bin:/bin"
        ];
        KillMode = "process";
        Restart = "always";
        RestartSec = 2;
      };
      Install.WantedBy = [ "default.target" ];
    };
  };
}
