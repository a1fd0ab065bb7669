# The agent on a NixOS host: as root, or as a user with sudo.
{ packages }:
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;
  cfg = config.services.backstay-agent;
  agent = import ./agent.nix {
    inherit lib pkgs cfg packages;
    platform = "nixos";
  };
  isRoot = cfg.user == "root";
  ownUser = "backstay";
  stateFolder = "/var/lib/backstay-agent";
in
{
  options.services.backstay-agent = agent.options // {
    user = mkOption {
      type = types.str;
      default = "root";
      example = "backstay";
      description = "The user that the agent runs as. Any other than root gets sudo for what a rollback and a switch need, which is enough to become root. The module creates the user `backstay`; another one must exist.";
    };
    extraPackages = mkOption {
      type = types.listOf types.package;
      default = [ ];
      example = lib.literalExpression "[ pkgs.git-lfs ]";
      description = "More packages in the agent's PATH, for git and for tests.";
    };
    rev = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = lib.literalExpression "self.rev or self.dirtyRev or null";
      description = "The commit of this configuration. It becomes the default of `system.configurationRevision`, from which Backstay knows the commit of each generation.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = agent.assertions ++ [
      {
        assertion = config.system.switch.enable or true;
        message = "services.backstay-agent: system.switch.enable is off, so this build has no switch-to-configuration, and no rollback could activate it.";
      }
      {
        assertion = isRoot || cfg.user == ownUser || config.users.users ? ${cfg.user};
        message = "services.backstay-agent.user: there is no user “${cfg.user}”. Declare users.users.${cfg.user}, or use “${ownUser}”, which this module creates.";
      }
      {
        assertion = isRoot || (config.security.sudo.enable && !config.security.sudo.execWheelOnly);
        message = "services.backstay-agent.user: as “${cfg.user}” the agent needs sudo to roll the host back. Set security.sudo.enable, and do not set security.sudo.execWheelOnly, or let it run as root.";
      }
    ];

    environment.etc."backstay/agent.toml".source = agent.file;
    # For `backstay-agent doctor` and the like.
    environment.systemPackages = [ cfg.package ];
    system.configurationRevision = lib.mkIf (cfg.rev != null) (lib.mkDefault cfg.rev);

    systemd.services.backstay-agent = {
      description = "Backstay agent";
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [
        "network-online.target"
        "nix-daemon.socket"
      ];
      # A unit of NixOS finds systemd's programs, but neither Nix nor git nor nixos-rebuild.
      path = [
        "/run/wrappers"
        config.nix.package
        pkgs.git
        config.system.build.nixos-rebuild
      ]
      ++ cfg.extraPackages
      ++ [ "/run/current-system/sw" ];
      environment.HOME = if isRoot then "/root" else stateFolder;
      # The activation restarts the agent at its end instead of stopping it first. So the op's lines keep coming, and a
      # cancel arrives.
      stopIfChanged = false;
      restartTriggers = [ agent.file ];
      # systemd keeps restarting an agent that cannot start.
      unitConfig.StartLimitIntervalSec = 0;
      # No sandbox: the activation would inherit it. docs/running-the-agent.md has the table.
      serviceConfig = {
        ExecStart = agent.run "/etc/backstay/agent.toml";
        KillMode = "process";
        Restart = "always";
        RestartSec = 2;
      }
      // lib.optionalAttrs (!isRoot) {
        User = cfg.user;
        StateDirectory = "backstay-agent";
        StateDirectoryMode = "0700";
      };
    };

    users = lib.mkIf (cfg.user == ownUser) {
      users.${ownUser} = {
        isSystemUser = true;
        group = ownUser;
        home = stateFolder;
      };
      groups.${ownUser} = { };
    };

    security.sudo.extraConfig = lib.mkIf (!isRoot) (import ./sudoers.nix { inherit lib; } cfg.user);
  };
}
