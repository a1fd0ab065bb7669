# The agent of a nix-darwin host, as root.
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
    platform = "darwin";
  };
in
{
  options.services.backstay-agent = agent.options // {
    rev = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
      example = lib.literalExpression "self.rev or self.dirtyRev or null";
      description = "The commit of this configuration. It becomes the default of `system.configurationRevision`, from which Backstay knows the commit of each generation.";
    };
  };

  config = lib.mkIf cfg.enable {
    inherit (agent) assertions;
    environment.etc."backstay/agent.toml".source = agent.file;
    # For `backstay-agent doctor` and the like.
    environment.systemPackages = [ cfg.package ];
    system.configurationRevision = lib.mkIf (cfg.rev != null) (lib.mkDefault cfg.rev);

    # nix-darwin waits for the store's volume before it starts a command. The file's store path is an argument, so that a new
    # configuration restarts the agent.
    launchd.daemons.backstay-agent.command = agent.run agent.file;
    launchd.daemons.backstay-agent.serviceConfig = {
      EnvironmentVariables = {
        PATH = "/run/current-system/sw/bin:/nix/var/nix/profiles/default/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
        HOME = "/var/root";
      };
      RunAtLoad = true;
      KeepAlive = true;
      # An activation reloads this daemon; launchd must not end the op with it.
      AbandonProcessGroup = true;
      StandardErrorPath = "/var/log/backstay-agent.log";
    };
  };
}
