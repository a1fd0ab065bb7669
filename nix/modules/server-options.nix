# The options of the server's module. `settings` has the options of `backstay-server serve`, with the names that it has on the
# command line.
{
  lib,
  package,
  secretFile,
}:

let
  inherit (lib) mkOption types;

  key = import ./key.nix { inherit lib; };
  secret = what: key secretFile "A file with ${what}. systemd hands the server a copy that no other program can read.";
  hours = key (types.ints.between 1 8760);
  days = key (types.ints.between 0 36500);
  # The server reads lists from variables, separated by commas.
  list = key (types.listOf (types.strMatching "[^,]+"));

  settings.options = {
    database = mkOption {
      type = types.strMatching "(sqlite|postgres(ql)?):.+";
      default = "sqlite:///var/lib/backstay/backstay.sqlite3";
      description = "The database: SQLite, or PostgreSQL such as postgres:///backstay?host=/run/postgresql.";
    };
    listen = mkOption {
      type = types.strMatching ".+:[0-9]+";
      default = "127.0.0.1:7340";
      example = "0.0.0.0:7340";
      description = "The address and port to listen on. The server speaks plain HTTP: put a proxy that speaks HTTPS in front of it.";
    };
    site-root = key types.path "The folder with the page's compiled files. By default the package's own.";
    public-url = mkOption {
      type = types.nullOr (types.strMatching "https?://[^/?#@ ]+/?");
      default = null;
      example = "https://backstay.example.org";
      description = "The address that browsers use, without a path. With https, browsers send cookies over https only.";
    };
    trusted-proxy = list "The proxies in front of the server, as addresses or networks. Only they are believed about whom a request comes from, by which scheme and for which host.";
    repository = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "https://git.example.org/fleet.git";
      description = "The configuration repository, as an address for git, at any forge.";
    };
    branch = key types.str "The branch that hosts follow.";
    repository-folder = mkOption {
      type = types.strMatching "/.+";
      default = "/var/lib/backstay/repository.git";
      description = "The folder for the server's copy of the branch's head.";
    };
    poll-seconds = key types.ints.positive "Seconds between two readings of the branch and of the pull requests.";
    queue-seconds = key (types.ints.between 1 31536000) "Seconds that an op waits for a host that is not connected.";
    keep-output-days = days "Days that the output of an op is kept after its end, never longer than the op; 0 for ever.";
    keep-history-days = days "Days that ops, test runs, roll-outs, deployments and removed hosts are kept; 0 for ever.";
    step-up-after = key (types.ints.between 0 10080) "Minutes after which what weighs most takes the code or the password again; 0 for never. By default 10 for people with a second factor and never for others.";
    session-idle-hours = hours "Hours after which an unused session ends.";
    session-hours = hours "Hours after which a session ends in any case.";
    admin-session-idle-hours = hours "Hours after which an administrator's unused session ends.";
    admin-session-hours = hours "Hours after which an administrator's session ends in any case.";
    oidc-issuer = mkOption {
      type = types.nullOr (types.strMatching "https?://.+");
      default = null;
      example = "https://id.example.org/realms/home";
      description = "The address of an OpenID Connect provider, exactly as its tokens name it. People then log in through it.";
    };
    oidc-client-id = key types.str "This server's identifier at the provider.";
    oidc-client-secret-file = secret "this server's secret at the provider";
    oidc-name = key types.str "What people call the provider, for the button and the audit log.";
    oidc-scopes = list "What to ask the provider for, besides `openid`. By default `profile`, `email` and `groups`.";
    oidc-groups-claim = key types.str "The claim with the groups of a person.";
    oidc-role = list "The roles of groups: `admins=admin`, or on some hosts `lab-team=operator@tag:lab`. People in no such group are not let in.";
    password-log-in = key (types.enum [
      "everybody"
      "administrators"
      "never"
    ]) "Who may still log in with a password.";
    admin-user = key types.str "The name of the first administrator.";
    master-key-file = secret "the key that seals the seeds of second factors, 32 random bytes in base64; by default the server makes one beside the database";
    admin-password-file = secret "the first administrator's password";
    github-repository = mkOption {
      type = types.nullOr (types.strMatching "[A-Za-z0-9._-]+/[A-Za-z0-9._-]+");
      default = null;
      example = "you/nixcfg";
      description = "The configuration repository at GitHub, instead of `repository`. Lets people merge and revert pull requests.";
    };
    github-token-file = secret "a token that can read and write contents and pull requests";
    github-app-id = key types.ints.positive "The identifier of a GitHub App, instead of a token.";
    github-installation-id = key types.ints.positive "The identifier of the app's installation.";
    github-app-key-file = secret "the app's private key, in PEM";
    github-api = key (types.strMatching "https?://.+") "The address of the API. For a GitHub Enterprise Server: `https://HOST/api/v3`.";
    github-webhook-secret-file = secret "the secret of the webhook at `/webhooks/github`";
    merge-method = key (types.enum [
      "merge"
      "squash"
      "rebase"
    ]) "How pull requests are merged.";
    update-label = list "Labels of pull requests that update the fleet.";
    update-title = list "Parts of the titles of pull requests that update the fleet. `*` matches every pull request into the branch.";
  };
in
{
  enable = lib.mkEnableOption "the Backstay server";
  package = mkOption {
    type = types.package;
    default = package;
    defaultText = lib.literalExpression "packages.server";
    description = "The package with `bin/backstay-server`.";
  };
  openFirewall = mkOption {
    type = types.bool;
    default = false;
    description = "Whether to open the port of `settings.listen` in the firewall.";
  };
  settings = mkOption {
    type = types.submodule settings;
    default = { };
    example = lib.literalExpression ''
      {
        public-url = "https://backstay.example.org";
        github-repository = "you/nixcfg";
        github-token-file = "/run/secrets/github-token";
      }
    '';
    description = "The options of `backstay-server serve`.";
  };
}
