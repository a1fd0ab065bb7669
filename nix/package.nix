# The server with its page, and the agent. Not built by our tests: they run where nixpkgs cannot be had. What they do evaluate is
# in tests/.
{ lib, rustPlatform, fetchCrate, buildWasmBindgenCli, cargo-leptos, lld, pkgs }:

let
  root = ../.;
  lock = lib.importTOML (root + "/Cargo.lock");
  version = (lib.importTOML (root + "/Cargo.toml")).workspace.package.version;

  # The tool must be of the very version that the page was linked with.
  bindgen = (lib.findFirst (package: package.name == "wasm-bindgen") null lock.package).version;
  wasm-bindgen-cli =
    pkgs.${"wasm-bindgen-cli_" + lib.replaceStrings [ "." ] [ "_" ] bindgen} or (
      let
        src = fetchCrate {
          pname = "wasm-bindgen-cli";
          version = bindgen;
          # To be changed together with the version in Cargo.lock.
          hash = "sha256-9Og1O/6/VC3sc5hBjoIWBErmLW2UHGMsTQO+6+m/dng=";
        };
      in
      buildWasmBindgenCli {
        inherit src;
        cargoDeps = rustPlatform.importCargoLock { lockFile = "${src}/Cargo.lock"; };
      }
    );

  src = lib.fileset.toSource {
    inherit root;
    fileset = lib.fileset.unions (
      map (name: root + "/${name}") [
        ".cargo/config.toml" "Cargo.lock" "Cargo.toml"
        "agent" "app" "fleet" "frontend" "migrations" "model" "public" "server" "style" "testing" "xtask"
      ]
    );
  };

  build = arguments: rustPlatform.buildRustPackage ({
    inherit version src;
    cargoLock.lockFile = root + "/Cargo.lock";
    # The tests want a browser, Nix and systemd; `cargo xtask test` runs them.
    doCheck = false;
    meta = {
      description = "Dashboard for fleets of NixOS, nix-darwin and home-manager hosts";
      license = [ lib.licenses.mit lib.licenses.asl20 ];
      mainProgram = arguments.pname;
    };
  } // arguments);
in
{
  agent = build {
    pname = "backstay-agent";
    cargoBuildFlags = [ "--package" "backstay-agent" ];
  };

  server = build {
    pname = "backstay-server";
    cargoBuildFlags = [ "--package" "backstay-server" ];
    nativeBuildInputs = [ cargo-leptos wasm-bindgen-cli lld ];
    postBuild = ''
      LEPTOS_SITE_ROOT=$PWD/site cargo leptos build --project backstay --frontend-only --release --precompress
    '';
    postInstall = ''
      mkdir -p $out/share/backstay
      cp -r site $out/share/backstay/site
    '';
  };
}
