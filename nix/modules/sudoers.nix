# What a user needs for rollbacks and switches: the rules of agent/systemd/sudoers.example, for any user.
{ lib }:

user:
let
  lines = lib.splitString "\n" (builtins.readFile ../../agent/systemd/sudoers.example);
  rules = builtins.filter (line: !lib.hasPrefix "#" line) lines;
in
lib.replaceStrings [ "Defaults:backstay " "\nbackstay ALL" ] [ "Defaults:${user} " "\n${user} ALL" ] (lib.concatStringsSep "\n" rules)
