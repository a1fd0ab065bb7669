# The modules by name, each with the packages of this flake as defaults.
{ package }:

let
  withPackage = service: name: module: { pkgs, lib, ... }: {
    imports = [ module ];
    services.${service}.package = lib.mkDefault (package pkgs).${name};
  };
in
{
  nixosModules = {
    server = withPackage "backstay-server" "server" ./server.nix;
    agent = withPackage "backstay-agent" "agent" ./agent-nixos.nix;
  };
  homeManagerModules.agent = withPackage "backstay-agent" "agent" ./agent-home-manager.nix;
  darwinModules.agent = withPackage "backstay-agent" "agent" ./agent-darwin.nix;
}
