# Without flakes: (import ./. { }).server, and (import ./. { }).nixosModules.agent for `imports`.
{ pkgs ? import <nixpkgs> { } }:

let
  package = pkgs: pkgs.callPackage ./nix/package.nix { };
in
package pkgs // import ./nix/modules { inherit package; }
