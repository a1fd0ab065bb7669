# Writes docs/nix-options.md from the modules:
#   nix-instantiate --eval --json --arg lib 'import <nixpkgs/lib>' nix/options.nix
{ lib }:

let
  modules = import ./modules { packages = _: throw "not needed for their options"; };
  options =
    module:
    let
      made = lib.evalModules {
        modules = [
          module
          {
            _module.check = false;
            _module.args.pkgs = { };
          }
        ];
      };
      ours = builtins.filter (option: lib.hasPrefix "services." option.name && option.visible && !option.internal);
    in
    lib.listToAttrs (map (option: lib.nameValuePair option.name option) (ours (lib.optionAttrSetToDocList made.options)));

  nixos = options modules.nixosModules.agent;
  darwin = options modules.darwinModules.agent;
  home = options modules.homeManagerModules.agent;

  where =
    name:
    if !(nixos ? ${name}) then
      " (not NixOS)"
    else if home ? ${name} then
      ""
    else if darwin ? ${name} then
      " (NixOS and nix-darwin)"
    else
      " (NixOS)";

  code = text: "`${lib.replaceStrings [ "\n" "|" ] [ " " "\\|" ] (lib.trim text)}`";
  default =
    option:
    if !(option ? default) then
      "required"
    else if option.default.text == "null" then
      ""
    else
      code option.default.text;
  row =
    note: name: option:
    "| ${code (lib.removePrefix "services." name)}${note name} | ${code (lib.removePrefix "null or " option.type)} | ${default option} | ${option.description} |";
  table =
    note: options:
    lib.concatStringsSep "\n" (
      [
        "| option | type | default | meaning |"
        "| --- | --- | --- | --- |"
      ]
      ++ lib.mapAttrsToList (row note) options
    );
in
''
  # Options of the modules

  Made from the modules by `nix/options.nix`. [Installing](start/nixos.md) shows how they are used. An empty default leaves
  the value to the program.

  ## The server: services.backstay-server

  NixOS. `settings` has the options of `backstay-server serve`, with the same names.

  ${table (_: "") (options modules.nixosModules.server)}

  ## The agent: services.backstay-agent

  NixOS, nix-darwin and home-manager. `settings` has the keys of `agent.toml`, with the same names.

  ${table where (nixos // darwin // home)}
''
