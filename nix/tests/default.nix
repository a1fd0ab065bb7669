# Evaluates the modules as hosts would, and returns the results. `lib` is nixpkgs' library, or as much of it as lib.nix has.
# The options of NixOS, home-manager and nix-darwin that ours set take any value here; nixos.nix evaluates a whole NixOS.
{
  lib ? import ./lib.nix,
}:

let
  derivation = name: {
    type = "derivation";
    inherit name;
    outPath = "/nix/store/00000000000000000000000000000000-${name}";
  };
  pkgs = {
    inherit lib;
    git = derivation "git";
    stdenv.hostPlatform.isLinux = true;
    formats.toml = _: {
      type = lib.types.anything;
      generate = name: value: derivation name // { inherit value; };
    };
    linkFarm = name: entries: derivation name // { inherit entries; };
    writeShellScript = name: text: derivation name // { inherit text; };
  };
  modules = import ../modules {
    packages = _: {
      agent = derivation "backstay-agent";
      server = derivation "backstay-server";
    };
  };

  anything = lib.mkOption {
    type = lib.types.attrsOf lib.types.anything;
    default = { };
  };
  # The options of other modules that ours set or read.
  host = {
    options = {
      systemd = anything;
      environment = anything;
      networking = anything;
      home = anything;
      xdg = anything;
      launchd = anything;
      nix = anything;
      system = anything;
      users = anything;
      security = anything;
      assertions = lib.mkOption {
        type = lib.types.listOf lib.types.anything;
        default = [ ];
      };
    };
    config._module.args = { inherit pkgs; };
  };

  evaluate =
    module: configs:
    lib.evalModules {
      modules = [
        host
        module
      ]
      ++ configs;
    };
  nixos = {
    nix.package = derivation "nix";
    system.build.nixos-rebuild = derivation "nixos-rebuild";
    users.users.root = { };
    security.sudo.enable = true;
    security.sudo.execWheelOnly = false;
  };
  home.xdg = {
    stateHome = "/home/ada/.local/state";
    configHome = "/home/ada/.config";
  };
  address = "https://backstay.example.org";
  withAgent = module: config: settings: evaluate module [
    config
    {
      services.backstay-agent = {
        enable = true;
        settings.server = address;
      };
    }
    { services.backstay-agent = settings; }
  ];
  withServer = settings: evaluate modules.nixosModules.server [
    {
      services.backstay-server = {
        enable = true;
      }
      // settings;
    }
  ];

  agentOnNixos = withAgent modules.nixosModules.agent nixos;
  agent = agentOnNixos {
    settings.checkout.path = "/srv/fleet";
    settings.commands.git = [
      "sudo"
      "git"
    ];
    joinTokenFile = "/run/secrets/join";
    tests.x11 = "systemctl is-active display-manager";
  };
  agentAsUser = agentOnNixos { user = "backstay"; };
  agentOfHome = withAgent modules.homeManagerModules.agent home { };
  agentOfMac = withAgent modules.darwinModules.agent { } { rev = "4f1c2e9"; };
  server = withServer {
    openFirewall = true;
    settings = {
      listen = "0.0.0.0:7340";
      public-url = address;
      github-repository = "you/nixcfg";
      github-token-file = "/run/secrets/token";
      update-title = [
        "flake.lock"
        "100 %"
      ];
    };
  };

  file = made: made.config.environment.etc."backstay/agent.toml".source.value;
  messages = made: map (assertion: assertion.message) (builtins.filter (assertion: !assertion.assertion) made.config.assertions);
  fails = value: !(builtins.tryEval (builtins.deepSeq value true)).success;

  # The names of a submodule's options; a set of options becomes a set of names.
  names = option: lib.mapAttrs (_: option: if option._type or null == "option" then { } else names option) option;
  options = made: service: names (removeAttrs (made.options.services.${service}.settings.type.getSubOptions [ ]) [ "_module" ]);
in
{
  agent = {
    unit = agent.config.systemd.services.backstay-agent;
    settings = file agent;
    messages = messages agent;
  };
  as-user = {
    unit = agentAsUser.config.systemd.services.backstay-agent;
    sudoers = agentAsUser.config.security.sudo.extraConfig;
    settings = file agentAsUser;
    messages = messages agentAsUser;
  };
  home = {
    unit = agentOfHome.config.systemd.user.services.backstay-agent;
    settings = agentOfHome.config.xdg.configFile."backstay/agent.toml".source.value;
    messages = messages agentOfHome;
  };
  darwin = {
    daemon = agentOfMac.config.launchd.daemons.backstay-agent;
    settings = file agentOfMac;
    messages = messages agentOfMac;
    rev = agentOfMac.config.system.configurationRevision;
  };
  server = {
    unit = server.config.systemd.services.backstay-server;
    ports = server.config.networking.firewall.allowedTCPPorts;
    messages = messages server;
  };

  # What a person finds on the PATH.
  programs = {
    agent = agent.config.environment.systemPackages;
    home = agentOfHome.config.home.packages;
    darwin = agentOfMac.config.environment.systemPackages;
    server = server.config.environment.systemPackages;
  };

  # What `settings` can hold, and what else the module writes into the file.
  keys = {
    agent = lib.mapAttrs (_: _: { }) (file agent) // options agent "backstay-agent";
    server = options server "backstay-server";
  };

  # Each of these must be an error of the evaluation.
  errors = {
    no-server = fails (file (evaluate modules.nixosModules.agent [
      nixos
      { services.backstay-agent.enable = true; }
    ]));
    unknown-key = fails (file (agentOnNixos { settings.chekout.path = "/"; }));
    address-without-scheme = fails (file (evaluate modules.nixosModules.agent [
      nixos
      {
        services.backstay-agent = {
          enable = true;
          settings.server = "backstay";
        };
      }
    ]));
    no-program = fails (file (agentOnNixos { settings.commands.git = [ ]; }));
    branch-like-an-option = fails (file (agentOnNixos { settings.checkout.branch = "--upload-pack=x"; }));
    token-as-a-path = fails (file (agentOnNixos { joinTokenFile = ./default.nix; }));
    public-url-with-a-path = fails (withServer { settings.public-url = "https://example.org/backstay"; }).config.systemd.services.backstay-server;
    comma-in-a-label = fails (withServer { settings.update-label = [ "a,b" ]; }).config.systemd.services.backstay-server;
  };

  # Each of these must fail an assertion, and say so in these words.
  refused = lib.mapAttrs (_: messages) {
    "names a file in the Nix store" = agentOnNixos { joinTokenFile = "${builtins.storeDir}/x"; };
    "cannot name another one" = agentOnNixos {
      tests.a = "true";
      settings.tests.dir = "/etc/tests";
    };
    "a name is a file name" = agentOnNixos { tests.".hidden" = "true"; };
    "no rollback could activate it" = withAgent modules.nixosModules.agent (nixos // { system = nixos.system // { switch.enable = false; }; }) { };
    "there is no user “alex”" = agentOnNixos { user = "alex"; };
    "needs sudo to roll the host back" = withAgent modules.nixosModules.agent (nixos // { security.sudo.enable = false; }) { user = "backstay"; };
    "names a file in the Nix store, where" = withServer {
      settings.admin-password-file = "${builtins.storeDir}/x";
    };
    "both name the configuration repository" = withServer {
      settings = {
        repository = "https://git.example.org/fleet.git";
        github-repository = "you/nixcfg";
        github-token-file = "/run/x";
      };
    };
    "but not `oidc-issuer`" = withServer { settings.oidc-client-id = "backstay"; };
    "`oidc-issuer` needs all of" = withServer {
      settings = {
        public-url = "https://backstay.example.org";
        oidc-issuer = "https://id.example.org";
        oidc-client-id = "backstay";
      };
    };
    "but not `github-repository`" = withServer { settings.github-token-file = "/run/x"; };
    "needs credentials" = withServer { settings.github-repository = "you/nixcfg"; };
    "are both set" = withServer {
      settings = {
        github-repository = "you/nixcfg";
        github-token-file = "/run/x";
        github-app-id = 1;
      };
    };
    "no other machine reaches" = withServer { openFirewall = true; };
  };
}
