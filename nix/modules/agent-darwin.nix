# The agent of a nix-darwin host, as root.
{ config, lib, pkgs, ... }:

let
  cfg = config.services.backstay-agent;
  agent = import ./agent-settings.nix { inherit lib pkgs cfg; platform = "darwin"; };
in
{
  options.services.backstay-agent = agent.options;

  config = lib.mkIf cfg.enable {
    environment.etc."backstay/agent.toml".source = agent.file;

    launchd.daemons.backstay-agent.serviceConfig = {
      # The store path of the file is an argument, so that a new configuration starts the agent again.
      ProgramArguments = [ "${cfg.package}/bin/backstay-agent" "--config" "${agent.file}" "run" ];
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
