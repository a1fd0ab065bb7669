# Adds both packages to a set of nixpkgs.
final: _: {
  backstay-agent = (final.callPackage ./packages.nix { }).agent;
  backstay-server = (final.callPackage ./packages.nix { }).server;
}
