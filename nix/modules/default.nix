# The modules by name. `packages` returns the programs for a host's nixpkgs.
{ packages }:

let
  # With a key, a host may import a module from two places.
  module = name: file: {
    key = "backstay/${name}";
    _file = file;
    imports = [ (import file { inherit packages; }) ];
  };
in
{
  nixosModules = {
    server = module "server" ./server.nix;
    agent = module "agent-nixos" ./agent-nixos.nix;
  };
  darwinModules.agent = module "agent-darwin" ./agent-darwin.nix;
  homeManagerModules.agent = module "agent-home-manager" ./agent-home-manager.nix;
}
