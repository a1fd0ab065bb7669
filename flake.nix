{
  description = "Backstay: roll NixOS, nix-darwin and home-manager hosts back from a web page";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      linux = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      each = systems: make: lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
      everywhere = each (linux ++ [ "aarch64-darwin" ]);
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

      # The machines of the VM tests need KVM, so Nix builds these only on a builder that has the feature `kvm`.
      checks =
        lib.recursiveUpdate (everywhere packages)
          (each linux (pkgs: import ./nix/tests/vm { inherit pkgs modules; }));

      devShells = everywhere (pkgs: {
        default = pkgs.callPackage ./nix/shell.nix { backstay-server = (packages pkgs).server; };
      });
      formatter = everywhere (pkgs: pkgs.nixfmt-tree);
    };
}
