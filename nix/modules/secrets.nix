# Files with secrets are named by strings: a path literal would copy the secret into the store, where everybody can read it.
{ lib }:

{
  secretFile = lib.types.strMatching "/.+";

  assertion = option: file: {
    assertion = file == null || !lib.hasPrefix builtins.storeDir file;
    message = "${option} names a file in the Nix store, where every user of the host can read it. Name one outside of it, such as /run/secrets/…";
  };
}
