# Without flakes: `(import ./. { }).server` is a package, and `(import ./. { }).nixosModules.agent` a module for `imports`.
{
  pkgs ? import <nixpkgs> { },
}:

let
  packages = pkgs: { inherit (pkgs.callPackage ./nix/packages.nix { }) agent server; };
in
packages pkgs
// import ./nix/modules { inherit packages; }
// {
  overlays.default = import ./nix/overlay.nix;
  tests = import ./nix/tests/vm { inherit pkgs; modules = import ./nix/modules { inherit packages; }; };
}
