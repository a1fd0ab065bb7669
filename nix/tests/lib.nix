# As much of nixpkgs' library as the modules use, for tests where nixpkgs cannot be had. The modules are written for the
# real one; `cargo xtask test --only nix` compares the results of both if BACKSTAY_NIXPKGS names a checkout.
let
  inherit (builtins) all any attrNames attrValues concatMap elem filter foldl' isAttrs isBool isFunction isInt isList isPath isString listToAttrs mapAttrs match stringLength substring;

  filterAttrs = keep: set: removeAttrs set (filter (name: !keep name set.${name}) (attrNames set));
  mapAttrs' = make: set: listToAttrs (map (name: make name set.${name}) (attrNames set));
  merge = a: b:
    if isSet a && isSet b then a // mapAttrs (name: value: if a ? ${name} then merge a.${name} value else value) b
    else if isList a && isList b then a ++ b
    else b;

  isSet = value: isAttrs value && !(value ? outPath) && !(value ? _type);
  # Moves conditions to the leaves, so that the names of a module's settings do not depend on its settings.
  push = value:
    if value._type or null == "if" && isSet value.content then mapAttrs (_: content: push (value // { inherit content; })) value.content
    else if isSet value then mapAttrs (_: push) value
    else value;
  # The value behind conditions and defaults. A default gives way to what a later module says, by the order in `merge`.
  known = value:
    if isSet value then mapAttrs (_: known) value
    else if value._type or null == "if" then (if value.condition then known value.content else { })
    else if value._type or null == "default" then known value.content
    else value;

  type = name: check: { inherit name check; read = _: value: value; };
  container = name: check: read: { inherit name check read; };
  read = at: type: value: if type.check value then type.read at value else throw "${at} is not of the type ${type.name}";

  options = at: tree: values:
    let unknown = filter (name: !(tree ? ${name})) (attrNames values); in
    if unknown != [ ] then throw "the option ${at}.${builtins.head unknown} does not exist"
    else mapAttrs (name: option:
      if (option._type or null) != "option" then options "${at}.${name}" option (values.${name} or { })
      else if values ? ${name} then read "${at}.${name}" option.type (known values.${name})
      else if option.type ? defaults then option.type.read "${at}.${name}" (option.default or { })
      else option.default or (throw "${at}.${name} is used but not defined")) tree;
in
rec {
  inherit all any attrValues filterAttrs mapAttrs mapAttrs';
  inherit (builtins) concatStringsSep replaceStrings;

  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
  removeSuffix = suffix: text:
    let rest = stringLength text - stringLength suffix; in if rest >= 0 && substring rest (-1) text == suffix then substring 0 rest text else text;
  splitString = separator: text: filter isString (builtins.split separator text);
  last = list: builtins.elemAt list (builtins.length list - 1);
  toInt = builtins.fromJSON;
  toUpper = let letters = text: map (at: substring at 1 text) (builtins.genList (at: at) 26); in
    replaceStrings (letters "abcdefghijklmnopqrstuvwxyz") (letters "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  getExe = package: "${package}/bin/${package.meta.mainProgram}";

  types = rec {
    str = type "string" isString;
    lines = str;
    bool = type "boolean" isBool;
    int = type "integer" isInt;
    port = type "port" (value: isInt value && value >= 0 && value <= 65535);
    ints.between = low: high: type "integer between ${toString low} and ${toString high}" (value: isInt value && value >= low && value <= high);
    ints.positive = type "positive integer" (value: isInt value && value > 0);
    enum = values: type "one of ${toString values}" (value: elem value values);
    path = type "path" (value: isPath value || value ? outPath || (isString value && match "/.*" value != null));
    package = type "package" (value: value ? outPath);
    anything = type "anything" (_: true);
    strMatching = pattern: type "string matching ${pattern}" (value: isString value && match pattern value != null);
    either = a: b: type "${a.name} or ${b.name}" (value: a.check value || b.check value);
    oneOf = list: foldl' either (builtins.head list) (builtins.tail list);
    nullOr = inner: container "null or ${inner.name}" (value: value == null || inner.check value) (at: value: if value == null then null else inner.read at value);
    listOf = inner: container "list of ${inner.name}" (value: isList value && all inner.check value) (at: map (inner.read at));
    nonEmptyListOf = inner: listOf inner // { check = value: isList value && value != [ ] && all inner.check value; };
    attrsOf = inner: container "set of ${inner.name}" (value: isAttrs value && all inner.check (attrValues value)) (at: mapAttrs (name: inner.read "${at}.${name}"));
    submodule = module: container "submodule" isAttrs (at: options at module.options) // { defaults = true; getSubOptions = _: module.options; };
  };

  mkOption = option: option // { _type = "option"; };
  mkEnableOption = what: mkOption { type = types.bool; default = false; description = what; };
  mkIf = condition: content: { _type = "if"; inherit condition content; };
  mkDefault = content: { _type = "default"; inherit content; };
  literalExpression = text: text;
  optional = condition: value: if condition then [ value ] else [ ];
  optionalAttrs = condition: set: if condition then set else { };
  mapAttrsToList = make: set: map (name: make name set.${name}) (attrNames set);
  nameValuePair = name: value: { inherit name value; };
  filterAttrsRecursive = keep: set:
    mapAttrs (_: value: if isAttrs value && !(value ? outPath) then filterAttrsRecursive keep value else value) (filterAttrs keep set);

  evalModules = { modules }:
    let
      called = module: let made = (if isFunction module then module else if isPath module then import module else _: module) (arguments // { inherit config lib; }); in
        if isFunction made then called made else made;
      whole = module: let made = called module; in concatMap whole (made.imports or [ ]) ++ [ made ];
      all = concatMap whole modules;
      settings = module: push (module.config or (removeAttrs module [ "_file" "imports" "key" "options" ]));
      arguments = foldl' (found: module: found // (module.config._module.args or { })) { } (filter isAttrs modules);
      tree = foldl' merge { } (map (module: module.options or { }) all);
      config = options "config" tree (removeAttrs (foldl' merge { } (map settings all)) [ "_module" ]);
      lib = import ./lib.nix;
    in
    { inherit config; options = tree; };
}
