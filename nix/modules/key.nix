# An option that may be left out: the program then uses its own default.
{ lib }:

type: description:
lib.mkOption {
  type = lib.types.nullOr type;
  default = null;
  inherit description;
}
