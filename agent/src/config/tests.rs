use super::*;

const EXAMPLE: &str = include_str!("../../backstay-agent.example.toml");

fn parse(text: &str) -> Config {
    toml::from_str(text).unwrap()
}

fn plain() -> Config {
    parse("server = \"https://backstay.example.org\"")
}

/// Keys are commented out as `#key`, text as `# text`.
fn uncommented() -> String {
    EXAMPLE
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', '#'])).unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_example_sets_only_the_server() {
    assert_eq!(parse(EXAMPLE), plain());
}

#[test]
fn the_example_shows_the_defaults() {
    let shown = parse(&uncommented());
    let plain = plain();
    assert_eq!(shown.commands, plain.commands);
    assert_eq!(shown.checkout.branch, plain.checkout.branch);
    if !cfg!(target_os = "macos") {
        assert_eq!(shown.checkout, plain.checkout);
    }
    let without_probes = TestsConfig { probes: BTreeMap::new(), ..shown.tests.clone() };
    assert_eq!(without_probes, plain.tests);
    assert_eq!(shown.tests.fault(), None);
    assert_eq!(shown.activation, plain.activation);
    assert_eq!((shown.watch_interval, &shown.state_dir), (plain.watch_interval, &plain.state_dir));
    assert_eq!(shown.platform, Platform::Nixos);
    assert_eq!(shown.profile_path(), defaults::profile(Platform::Nixos));
    assert_eq!(shown.running_system(), defaults::running_system(Platform::Nixos));
    assert_eq!(shown.booted_system(), Some(defaults::BOOTED_SYSTEM.into()));
    assert_eq!(shown.flake(), "/etc/nixos#gpc0");
}

#[test]
fn the_example_has_every_key() {
    let shown = toml::Value::try_from(parse(&uncommented())).unwrap();
    let text = toml::to_string(&shown).unwrap();
    for key in [
        "join_token_file",
        "ca_certificate",
        "path",
        "running_system",
        "booted_system",
        "attribute",
        "flake",
        "systemd_run",
    ] {
        assert!(text.contains(&format!("{key} = ")), "{key}");
    }
}

#[test]
fn an_unknown_key_is_named() {
    let error =
        toml::from_str::<Config>("server = \"https://a\"\n[checkout]\nbranche = \"main\"").unwrap_err();
    assert!(error.to_string().contains("branche"), "{error}");
}

#[test]
fn values_that_cannot_be_used() {
    for text in [
        "server = \"https://a\"\nname = \"a b\"",
        "server = \"https://a\"\nwatch_interval = 0",
        "server = \"https://a\"\n[tests]\nmax_timeout = 0",
        "server = \"https://a\"\n[tests]\nleave_out = [\"ssh\"]",
        "server = \"https://a\"\n[tests.probes.web]",
        "server = \"https://a\"\n[tests.probes.web]\nunit = \"a.service\"\nfile = \"/a\"",
        "server = \"https://a\"\n[tests.probes.web]\ntcp = \"localhost\"",
        "server = \"https://a\"\n[tests.probes.web]\ncommand = []",
        "server = \"https://a\"\n[tests.probes.web]\nhttp = \"localhost/health\"",
        "server = \"https://a\"\n[tests.probes.web]\nhttp = \"https://me:secret@localhost/\"",
        "server = \"https://a\"\n[tests.probes.web]\nfile = \"/a\"\nstatus = 200",
        "server = \"https://a\"\n[tests.probes.\"a/b\"]\nfile = \"/a\"",
        "server = \"https://a\"\n[commands]\ngit = []",
        "server = \"https://a\"\n[checkout]\nbranch = \"--upload-pack=x\"",
        "server = \"ftp://a\"",
        "server = \"https://user:secret@a\"",
    ] {
        assert!(matches!(parse(text).check(), Err(ConfigError::Invalid(_))), "{text}");
    }
}

#[test]
fn the_configuration_bounds_what_is_set_for_tests() {
    let config = parse("server = \"https://a\"\n[tests]\ntimeout = 90\nmax_timeout = 300");
    let secs = |set| config.test_timeout(set).as_secs();
    assert_eq!(secs(None), 90);
    assert_eq!(secs(Some(120)), 120);
    assert_eq!((secs(Some(900)), secs(Some(0))), (300, 1));
    let generous = parse("server = \"https://a\"\n[tests]\ntimeout = 7200");
    assert_eq!(generous.test_timeout(None).as_secs(), 7200, "its own limit is not bounded");
}

#[test]
fn a_switch_builds_the_configured_flake() {
    let mut config = plain();
    config.name = "gpc0".into();
    assert_eq!(config.flake(), "/etc/nixos#gpc0");
    config.switch.attribute = Some("alex@gpc0".into());
    assert_eq!(config.flake(), "/etc/nixos#alex@gpc0");
    config.switch.flake = Some("git+https://example.org/nixcfg#gpc0".into());
    assert_eq!(config.flake(), "git+https://example.org/nixcfg#gpc0");
}

#[test]
fn home_manager_finds_its_own_configuration() {
    let mut config = parse("server = \"https://a\"\nname = \"gpc0\"\nplatform = \"home-manager\"");
    assert_eq!(config.flake(), config.checkout.path.display().to_string());
    config.switch.attribute = Some("alex@gpc0".into());
    assert!(config.flake().ends_with("#alex@gpc0"));
}
