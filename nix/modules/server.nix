# The server, as a service that may touch nothing but its state folder and the network.
{ packages }:
{
  config,
  lib,
  pkgs,
  ...
}:

let
  cfg = config.services.backstay-server;
  secrets = import ./secrets.nix { inherit lib; };

  set = lib.filterAttrs (_: value: value != null) cfg.settings;
  secretFiles = lib.filterAttrs (name: _: builtins.match "(admin-password|master-key|oidc-client-secret|github-.*)-file" name != null) set;
  credential = lib.removeSuffix "-file";

  variable = name: "BACKSTAY_${lib.toUpper (lib.replaceStrings [ "-" ] [ "_" ] name)}";
  text = value: if builtins.isList value then lib.concatStringsSep "," value else toString value;
  # systemd expands what follows a per cent sign: %d is the folder of the credentials.
  value =
    name: from:
    if secretFiles ? ${name} then "%d/${credential name}" else lib.replaceStrings [ "%" ] [ "%%" ] (text from);

  given = name: cfg.settings.${name} != null;
  app = [
    "github-app-id"
    "github-installation-id"
    "github-app-key-file"
  ];
  needRepository = app ++ [
    "github-token-file"
    "github-webhook-secret-file"
  ];
  localPostgres = builtins.match "postgres(ql)?:///.*" cfg.settings.database != null;
  oidc = [
    "oidc-client-id"
    "oidc-client-secret-file"
    "oidc-role"
  ];
  needIssuer = [ "public-url" ] ++ oidc;
  port = lib.toInt (lib.last (lib.splitString ":" cfg.settings.listen));
  ask = assertion: message: {
    inherit assertion;
    message = "services.backstay-server.${message}";
  };
in
{
  options.services.backstay-server = import ./server-options.nix {
    inherit lib;
    inherit (secrets) secretFile;
    package = (packages pkgs).server;
  };

  config = lib.mkIf cfg.enable {
    assertions = lib.mapAttrsToList (name: secrets.assertion "services.backstay-server.settings.${name}") secretFiles ++ [
      (ask (given "master-key-file" || lib.hasPrefix "sqlite:" cfg.settings.database) "settings: a PostgreSQL database has no folder for the master key. Set `master-key-file`.")
      (ask (!given "oidc-issuer" || lib.all given needIssuer) "settings: `oidc-issuer` needs all of ${lib.concatStringsSep ", " needIssuer}.")
      (ask (given "oidc-issuer" || !lib.any given oidc) "settings: options of single sign-on are set, but not `oidc-issuer`, the provider's address.")
      (ask (!(given "repository" && given "github-repository")) "settings: `repository` and `github-repository` both name the configuration repository. Set one of them.")
      (ask (given "github-repository" || !lib.any given needRepository) "settings: credentials for GitHub are set, but not `github-repository`, as owner/name.")
      (ask (!given "github-repository" || given "github-token-file" || lib.all given app) "settings: `github-repository` needs credentials. Set `github-token-file`, or all of ${lib.concatStringsSep ", " app}.")
      (ask (!(given "github-token-file" && lib.any given app)) "settings: a GitHub App and `github-token-file` are both set. Set one of them.")
      (ask (!cfg.openFirewall || builtins.match "(127\\..*|localhost:.*|\\[::1].*)" cfg.settings.listen == null) "openFirewall: the server listens on ${cfg.settings.listen}, which no other machine reaches. Set `settings.listen`, or open the ports of the proxy instead.")
    ];

    networking.firewall.allowedTCPPorts = lib.optional cfg.openFirewall port;
    # For `backstay-server join-token` and the like.
    environment.systemPackages = [ cfg.package ];

    systemd.services.backstay-server = {
      description = "Backstay server";
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ] ++ lib.optional localPostgres "postgresql.service";
      path = [ pkgs.git ];
      unitConfig.StartLimitIntervalSec = 0;
      environment = lib.mapAttrs' (name: from: lib.nameValuePair (variable name) (value name from)) set // {
        HOME = "/var/lib/backstay";
      };
      serviceConfig = {
        ExecStart = "${cfg.package}/bin/backstay-server serve";
        LoadCredential = lib.mapAttrsToList (name: file: "${credential name}:${file}") secretFiles;
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
        RestrictAddressFamilies = [
          "AF_INET"
          "AF_INET6"
          "AF_UNIX"
        ];
        RestrictNamespaces = true;
        RestrictRealtime = true;
        RestrictSUIDSGID = true;
        RemoveIPC = true;
        SystemCallArchitectures = "native";
        SystemCallFilter = [
          "@system-service"
          "~@privileged @resources"
        ];
      };
    };
  };
}
