# The agent of one user's home. It runs while nobody is logged in after `loginctl enable-linger USER`, once, as root.
{ packages }:
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = config.services.backstay-agent;
  agent = import ./agent.nix {
    inherit lib pkgs cfg packages;
    platform = "home-manager";
  };
in
{
  options.services.backstay-agent = agent.options;

  config = lib.mkIf cfg.enable {
    assertions = agent.assertions ++ [
      {
        assertion = pkgs.stdenv.hostPlatform.isLinux;
        message = "services.backstay-agent: the agent of a home is a service of the user's systemd. On a Mac, use nix-darwin's module.";
      }
    ];

    services.backstay-agent.settings.state_dir = lib.mkDefault "${config.xdg.stateHome}/backstay-agent";
    xdg.configFile."backstay/agent.toml".source = agent.file;
    # For `backstay-agent doctor` and the like.
    home.packages = [ cfg.package ];

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
        # home-manager has systemd stop a unit that changed. The op outlives that.
        KillMode = "process";
        Restart = "always";
        RestartSec = 2;
      };
      Install.WantedBy = [ "default.target" ];
    };
  };
}
