# The server, as a service that may touch nothing but its state folder and the network.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  cfg = config.services.backstay-server;
  credentials = lib.filterAttrs (_: file: file != null) cfg.credentials;
  # The options that name a secret's file, by the credential that holds it.
  secretOptions = {
    admin-password = "BACKSTAY_ADMIN_PASSWORD_FILE";
    github-token = "BACKSTAY_GITHUB_TOKEN_FILE";
    github-app-key = "BACKSTAY_GITHUB_APP_KEY_FILE";
    github-webhook-secret = "BACKSTAY_GITHUB_WEBHOOK_SECRET_FILE";
  };
  secretFile = mkOption {
    # A string, never a path: a path literal would copy the secret into the world-readable store.
    type = types.nullOr (types.strMatching "/.*");
    default = null;
  };
in
{
  options.services.backstay-server = {
    enable = lib.mkEnableOption "the Backstay server";
    package = mkOption {
      type = types.package;
      description = "The package with `bin/backstay-server` and `share/backstay/site`.";
    };
    address = mkOption {
      type = types.str;
      default = "127.0.0.1";
      description = "The address to listen on. The server speaks plain HTTP: have a proxy speak HTTPS in front of it.";
    };
    port = mkOption {
      type = types.port;
      default = 7340;
      description = "The port to listen on.";
    };
    openFirewall = mkOption {
      type = types.bool;
      default = false;
      description = "Whether to open the port in the firewall.";
    };
    publicUrl = mkOption {
      type = types.nullOr (types.strMatching "https?://[^/?#@ ]+/?");
      default = null;
      example = "https://backstay.example.org";
      description = "The address that browsers use. With https, cookies travel over https only.";
    };
    environment = mkOption {
      type = types.attrsOf (types.oneOf [ types.str types.int ]);
      default = { };
      example = { BACKSTAY_REPOSITORY = "https://git.example.org/fleet.git"; };
      description = "Further options by environment variable, as `backstay-server serve --help` names them.";
    };
    credentials = mkOption {
      type = types.submodule { options = lib.mapAttrs (_: _: secretFile) secretOptions; };
      default = { };
      example = { github-token = "/run/secrets/backstay-github-token"; };
      description = "Files with secrets. systemd hands them to the server; no other program can read its copy.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = !lib.any (name: cfg.environment ? ${name}) (lib.attrValues secretOptions);
        message = "services.backstay-server: set secrets' files in `credentials`, not in `environment`.";
      }
    ];

    networking.firewall.allowedTCPPorts = lib.optional cfg.openFirewall cfg.port;

    systemd.services.backstay-server = {
      description = "Backstay server";
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ];
      path = [ pkgs.git ];
      unitConfig.StartLimitIntervalSec = 0;
      environment = {
        BACKSTAY_LISTEN = "${cfg.address}:${toString cfg.port}";
        BACKSTAY_DATABASE = "sqlite:///var/lib/backstay/backstay.sqlite3";
        BACKSTAY_SITE_ROOT = "${cfg.package}/share/backstay/site";
        BACKSTAY_REPOSITORY_FOLDER = "/var/lib/backstay/repository.git";
        HOME = "/var/lib/backstay";
      } // lib.optionalAttrs (cfg.publicUrl != null) { BACKSTAY_PUBLIC_URL = cfg.publicUrl; }
        // lib.mapAttrs (_: toString) cfg.environment
        // lib.mapAttrs' (name: _: lib.nameValuePair secretOptions.${name} "%d/${name}") credentials;
      serviceConfig = {
        ExecStart = "${cfg.package}/bin/backstay-server serve";
        LoadCredential = lib.mapAttrsToList (name: file: "${name}:${file}") credentials;
        Restart = "always";
        RestartSec = 2;
        DynamicUser = true;
        StateDirectory = "backstay";
        StateDirectoryMode = "0700";
        WorkingDirectory = "/var/lib/backstay";
        UMask = "0077";
        ProtectSystem = "strict";
        ProtectHome = true;
        PrivateDevices = true;
        PrivateTmp = true;
        PrivateUsers = true;
        ProtectClock = true;
        ProtectControlGroups = true;
        ProtectHostname = true;
        ProtectKernelLogs = true;
        ProtectKernelModules = true;
        ProtectKernelTunables = true;
        ProtectProc = "invisible";
        ProcSubset = "pid";
        CapabilityBoundingSet = "";
        NoNewPrivileges = true;
        LockPersonality = true;
        MemoryDenyWriteExecute = true;
        RestrictAddressFamilies = [ "AF_INET" "AF_INET6" "AF_UNIX" ];
        RestrictNamespaces = true;
        RestrictRealtime = true;
        RestrictSUIDSGID = true;
        RemoveIPC = true;
        SystemCallArchitectures = "native";
        SystemCallFilter = [ "@system-service" "~@privileged @resources" ];
      };
    };
  };
}
