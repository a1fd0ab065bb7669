//! The module of the flake and `serve --help` name the same options.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The variables of all options, as the help names them.
fn of_the_program() -> BTreeSet<String> {
    let help =
        Command::new(env!("CARGO_BIN_EXE_backstay-server")).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let end = |c: char| !c.is_ascii_uppercase() && c != '_';
    let names = help.split("BACKSTAY_").skip(1).filter_map(|rest| rest.split(end).next());
    names.map(|name| format!("BACKSTAY_{name}")).collect()
}

/// The variables that the module can set.
fn of_the_module() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut nix = Command::new("nix-instantiate");
    nix.args(["--eval", "--strict", "--json", "--arg", "lib", "import ./nix/tests/lib.nix", "nix/tests"]);
    let output = nix.args(["--attr", "keys.server"]).current_dir(root).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let keys: Value = serde_json::from_slice(&output.stdout).unwrap();
    let variable = |key: &String| format!("BACKSTAY_{}", key.replace('-', "_").to_uppercase());
    keys.as_object().unwrap().keys().map(variable).collect()
}

#[test]
fn the_module_has_every_option_of_the_server() {
    let options = of_the_program();
    assert!(options.contains("BACKSTAY_LISTEN"), "{options:?}");
    assert_eq!(of_the_module(), options);
}
