# What building and testing Backstay takes. `cargo xtask setup` finds the tools here and installs the others in versions of its own.
{
  mkShell,
  lib,
  backstay-server,
  cargo,
  rustc,
  rustfmt,
  clippy,
  cargo-nextest,
  chromium,
  git,
  nodejs,
  stdenv,
}:

mkShell {
  packages = [
    cargo
    rustc
    rustfmt
    clippy
    cargo-nextest
    git
    nodejs
  ]
  ++ backstay-server.pageTools
  ++ lib.optional stdenv.hostPlatform.isLinux chromium;
  env = backstay-server.pageEnvironment;
}
