{
  description = "Backstay: roll back NixOS, nix-darwin and home-manager hosts from a web page";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "aarch64-darwin" ];
      each = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
      package = pkgs: pkgs.callPackage ./nix/package.nix { };
    in
    import ./nix/modules { inherit package; } // {
      packages = each (pkgs: { inherit (package pkgs) agent server; default = (package pkgs).server; });

      overlays.default = final: _: {
        backstay-agent = (package final).agent;
        backstay-server = (package final).server;
      };

      devShells = each (pkgs: {
        default = pkgs.mkShell {
          packages = [ pkgs.cargo pkgs.rustc pkgs.rustfmt pkgs.clippy pkgs.lld pkgs.cargo-leptos pkgs.nodejs pkgs.git pkgs.chromium ];
        };
      });

      formatter = each (pkgs: pkgs.nixfmt);
    };
}
