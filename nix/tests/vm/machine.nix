# A host with two builds: the second, `broken`, fails the host's test and has another unit of the agent.
{ pkgs, ... }:

{
  services.backstay-server = {
    enable = true;
    settings.admin-password-file = "/etc/admin-password";
  };
  services.backstay-agent = {
    enable = true;
    settings = {
      server = "http://127.0.0.1:7340";
      name = "gpc0";
      watch_interval = 1;
    };
    joinTokenFile = "/run/join-token";
    tests.whole = "test ! -e /etc/broken";
  };

  specialisation.broken.configuration = {
    environment.etc.broken.text = "broken";
    systemd.services.backstay-agent.environment.CHANGED = "1";
  };

  environment.etc."admin-password".text = "a-password-for-tests";
  environment.systemPackages = [
    pkgs.curl
    pkgs.sqlite
  ];
  virtualisation.writableStore = true;
  # The machines of NixOS's tests cannot switch by default.
  system.switch.enable = true;
}
