{
  description = "Backstay: roll NixOS, nix-darwin and home-manager hosts back from a web page";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      everywhere =
        make:
        lib.genAttrs [
          "x86_64-linux"
          "aarch64-linux"
          "aarch64-darwin"
        ] (system: make nixpkgs.legacyPackages.${system});
      packages = pkgs: { inherit (pkgs.callPackage ./nix/packages.nix { }) agent server; };
      # The programs of this flake, whichever nixpkgs the host has: its Rust may be too old for them.
      modules = import ./nix/modules {
        packages = pkgs: self.packages.${pkgs.stdenv.hostPlatform.system};
      };
    in
    modules
    // {
      packages = everywhere (pkgs: packages pkgs // { default = (packages pkgs).server; });
      overlays.default = import ./nix/overlay.nix;

      checks = everywhere packages;

      devShells = everywhere (pkgs: {
        default = pkgs.callPackage ./nix/shell.nix { backstay-server = (packages pkgs).server; };
      });
      formatter = everywhere (pkgs: pkgs.nixfmt-tree);
    };
}
