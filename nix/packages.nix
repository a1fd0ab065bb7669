# The server with its page, and the agent.
{
  lib,
  rustPlatform,
  fetchCrate,
  buildWasmBindgenCli,
  binaryen,
  cargo-leptos,
  gitMinimal,
  lld,
  makeBinaryWrapper,
  pkgs,
}:

let
  root = ../.;
  toml = name: lib.importTOML (root + "/${name}");
  locked = name: (lib.findFirst (package: package.name == name) null (toml "Cargo.lock").package).version;

  src = lib.fileset.toSource {
    inherit root;
    fileset = lib.fileset.unions (
      map (name: root + "/${name}") [
        ".cargo/config.toml"
        "Cargo.lock"
        "Cargo.toml"
        "agent"
        "app"
        "fleet"
        "frontend"
        "migrations"
        "model"
        "public"
        "server"
        "style"
        "testing"
        "xtask"
      ]
    );
  };

  build =
    arguments:
    rustPlatform.buildRustPackage (
      {
        inherit src;
        inherit ((toml "Cargo.toml").workspace.package) version;
        cargoLock.lockFile = root + "/Cargo.lock";
        cargoBuildFlags = [ "--package=${arguments.pname}" ];
        # nixpkgs sets flags of its own for the build's platform, and cargo then ignores those of .cargo/config.toml.
        env = {
          RUSTFLAGS = toString (toml ".cargo/config.toml").build.rustflags;
        }
        // arguments.env or { };
        # The tests need a browser, Nix and systemd: `cargo xtask test` runs them.
        doCheck = false;
        meta = {
          description = "Rolls NixOS, nix-darwin and home-manager hosts back from a web page";
          license = [
            lib.licenses.mit
            lib.licenses.asl20
          ];
          mainProgram = arguments.pname;
          platforms = lib.platforms.linux ++ lib.platforms.darwin;
        };
      }
      // removeAttrs arguments [ "env" ]
    );

  # The tool must have the very version that the page is linked with.
  wasm-bindgen-cli =
    let
      version = locked "wasm-bindgen";
      src = fetchCrate {
        pname = "wasm-bindgen-cli";
        inherit version;
        hash =
          {
            "0.2.130" = "sha256-9Og1O/6/VC3sc5hBjoIWBErmLW2UHGMsTQO+6+m/dng=";
          }
          .${version} or (throw "nix/packages.nix has no hash of wasm-bindgen-cli ${version}, which Cargo.lock names.");
      };
    in
    pkgs."wasm-bindgen-cli_${lib.replaceStrings [ "." ] [ "_" ] version}" or (buildWasmBindgenCli {
      inherit src;
      # The crate has a Cargo.lock of its own, so evaluating this package downloads the crate.
      cargoDeps = rustPlatform.importCargoLock { lockFile = "${src}/Cargo.lock"; };
    });

  # What `cargo leptos build` of a release runs, besides cargo and rustc.
  pageTools = [
    binaryen
    cargo-leptos
    lld
    wasm-bindgen-cli
  ];
  # The rustc of nixpkgs links WebAssembly with whatever this names: it has no rust-lld.
  pageEnvironment.CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER = "lld";
in
{
  agent = build { pname = "backstay-agent"; };

  server = build {
    pname = "backstay-server";
    nativeBuildInputs = pageTools ++ [ makeBinaryWrapper ];
    env = pageEnvironment;
    postBuild = ''
      LEPTOS_SITE_ROOT=$PWD/site cargo leptos build --project backstay --frontend-only --release --precompress
    '';
    postInstall = ''
      mkdir -p $out/share/backstay
      cp -r site $out/share/backstay/site
      wrapProgram $out/bin/backstay-server \
        --set-default BACKSTAY_SITE_ROOT $out/share/backstay/site \
        --suffix PATH : ${lib.makeBinPath [ gitMinimal ]}
    '';
    passthru = { inherit pageTools pageEnvironment; };
  };
}
