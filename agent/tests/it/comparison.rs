//! The difference between two generations, with real Nix and real git.

use std::fs;

use backstay_model::GenerationRef;
use backstay_model::closure_diff::PackageChange;
use backstay_model::comparison::{BootPart, BootPartChange, Comparison, Pair};
use backstay_model::wire::message::{AgentMessage, ServerMessage};

use crate::host::Host;
use crate::process::read;
use crate::server::{Connection, Server};

/// Makes a commit in the host's checkout, with a file of its own.
fn commit(host: &Host, subject: &str) -> String {
    let git = |words: &[&str]| {
        let mut command = host.command("git");
        command.arg("-C").arg(host.at("checkout")).args([
            "-c",
            "user.name=Fleet",
            "-c",
            "user.email=f@example.org",
        ]);
        read(command.args(words))
    };
    if !host.at("checkout").exists() {
        fs::create_dir(host.at("checkout")).unwrap();
        git(&["init", "--quiet", "--initial-branch=main"]);
    }
    fs::write(host.at("checkout").join(subject), subject).unwrap();
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message", subject]);
    git(&["rev-parse", "HEAD"])
}

/// Makes a generation of this size that was built from a commit.
fn generation(host: &Host, version: &str, kib: usize, commit: &str) -> u32 {
    let data = "x".repeat(kib * 1024);
    let build = host.add(
        &format!("nixos-system-gpc0-{version}"),
        &[("data", data.as_str()), ("configuration-revision", commit)],
    );
    host.set(&build)
}

async fn compare(connection: &mut Connection, from: GenerationRef, to: GenerationRef) -> Comparison {
    let asked = Pair { from, to };
    connection.send(&ServerMessage::Compare { pair: asked.clone() }).await;
    let answer = connection.listen_for("the comparison", |message| match message {
        AgentMessage::Compared { pair, comparison } => Some((pair, *comparison)),
        _ => None,
    });
    let (pair, comparison) = answer.await;
    assert_eq!(pair, asked);
    comparison
}

#[tokio::test]
async fn packages_and_commits_on_the_way_there_and_back() {
    let host = Host::nixos();
    let (first, middle, last) =
        (commit(&host, "first"), commit(&host, "gpu-driver"), commit(&host, "firefox"));
    let old = generation(&host, "25.05", 20, &first);
    let new = generation(&host, "25.11", 50, &last);
    host.runs(new);
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;

    let forward = compare(&mut connection, host.reference(old), host.reference(new)).await;
    let change = |removed: &str, added: &str, bytes| PackageChange {
        name: "nixos-system-gpc0".into(),
        removed: vec![removed.into()],
        added: vec![added.into()],
        bytes,
    };
    assert_eq!(forward.packages.unwrap().packages, [change("25.05", "25.11", 30 * 1024)]);
    let commits = forward.commits.unwrap();
    let told: Vec<_> =
        commits.gained.newest.iter().map(|c| (c.commit.0.as_str(), c.subject.as_str())).collect();
    assert_eq!(told, [(last.as_str(), "firefox"), (middle.as_str(), "gpu-driver")]);
    assert!(commits.lost.newest.is_empty() && !commits.same_files);

    let back = compare(&mut connection, host.reference(new), host.reference(old)).await;
    assert_eq!(back.packages.unwrap().packages, [change("25.11", "25.05", -30 * 1024)]);
    let commits = back.commits.unwrap();
    assert!(commits.gained.newest.is_empty());
    assert_eq!(commits.lost.newest.len(), 2, "what a rollback takes back");
}

#[tokio::test]
async fn what_cannot_be_compared_says_why() {
    let host = Host::nixos();
    let known = commit(&host, "first");
    let old = generation(&host, "1", 1, &known);
    let unknown = generation(&host, "2", 1, &"e".repeat(40));
    let option = generation(&host, "3", 1, "--output=/etc/passwd");
    host.runs(option);
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;

    let told = compare(&mut connection, host.reference(old), host.reference(unknown)).await;
    assert!(told.packages.is_ok());
    assert!(told.commits.unwrap_err().contains("does not have Gen 2's commit"));
    let told = compare(&mut connection, host.reference(old), host.reference(option)).await;
    assert!(told.commits.unwrap_err().contains("was not built from an unmodified commit"));

    let elsewhere = GenerationRef { number: old, store_path: "/etc".into() };
    let told = compare(&mut connection, host.reference(option), elsewhere).await;
    assert_eq!(told.packages.unwrap_err(), "Gen 1 is no longer in the host's profile.");
    assert!(told.commits.is_err() && told.reboot.is_err() && told.units.is_err());
}

/// Makes a generation with links to this kernel and initrd, as a NixOS system has them, and these units.
fn system(host: &Host, name: &str, kernel: &str, initrd: &str, units: &[(&str, &str)]) -> u32 {
    let part = |what: &str, version: &str, file: &str| {
        // Equal content has an equal path.
        host.add(&format!("{what}-{version}"), &[(file, version)])
    };
    let links = [
        ("kernel", part("linux", kernel, "bzImage").join("bzImage")),
        ("initrd", part("initrd", initrd, "initrd").join("initrd")),
        ("kernel-modules", part("modules", kernel, &format!("lib/modules/{kernel}/modules.dep"))),
        ("etc", {
            let files: Vec<_> =
                units.iter().map(|(unit, text)| (format!("etc/systemd/system/{unit}"), *text)).collect();
            let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
            host.add(&format!("etc-{name}"), &files).join("etc")
        }),
    ];
    let build = host.add_with_links(&format!("nixos-system-gpc0-{name}"), &[("name", name)], &links);
    host.set(&build)
}

#[tokio::test]
async fn a_reboot_is_judged_by_what_was_booted() {
    let host = Host::nixos();
    let old = system(&host, "old", "6.6.40", "a", &[("sshd.service", "same")]);
    let other_initrd = system(&host, "initrd", "6.6.40", "b", &[("sshd.service", "same")]);
    let new = system(&host, "new", "6.6.52", "c", &[("sshd.service", "same")]);
    host.runs(new);
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;

    let told = compare(&mut connection, host.reference(new), host.reference(old)).await;
    assert!(told.reboot.unwrap_err().contains("It is unknown what was booted"));

    // Booted with the old one and switched since: going back needs no reboot, going forward does.
    std::os::unix::fs::symlink(host.store_path(old), host.at("run/booted-system")).unwrap();
    let back = compare(&mut connection, host.reference(new), host.reference(old)).await.reboot.unwrap();
    assert_eq!(back.booted.as_deref(), host.store_path(old).to_str());
    assert!(!back.is_needed(), "{back:?}");

    let onward = compare(&mut connection, host.reference(old), host.reference(new)).await.reboot.unwrap();
    let change = |part| BootPartChange { part, booted: Some("6.6.40".into()), next: Some("6.6.52".into()) };
    let initrd = BootPartChange { part: BootPart::Initrd, booted: None, next: None };
    assert_eq!(onward.parts, [change(BootPart::Kernel), initrd.clone(), change(BootPart::KernelModules)],);

    let told = compare(&mut connection, host.reference(new), host.reference(other_initrd)).await;
    assert_eq!(told.reboot.unwrap().parts, [initrd]);
}

#[tokio::test]
async fn units_that_change_are_named_without_running_anything() {
    let host = Host::nixos();
    let old = system(
        &host,
        "1",
        "6",
        "a",
        &[
            ("nginx.service", "ExecStart=/nix/store/1-nginx/bin/nginx"),
            ("sshd.service", "same"),
            ("cups.socket", "x"),
        ],
    );
    let new = system(
        &host,
        "2",
        "6",
        "a",
        &[
            ("nginx.service", "ExecStart=/nix/store/2-nginx/bin/nginx"),
            ("sshd.service", "same"),
            ("sshd.service.d/overrides.conf", "[Service]"),
            ("backup.timer", "x"),
        ],
    );
    host.runs(new);
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;

    let units = compare(&mut connection, host.reference(old), host.reference(new)).await.units.unwrap();
    assert_eq!(units.changed, ["nginx.service", "sshd.service"]);
    assert_eq!(
        (units.added.as_slice(), units.removed.as_slice()),
        (&["backup.timer".to_owned()][..], &["cups.socket".to_owned()][..])
    );
    assert_eq!(host.calls(), Vec::<String>::new(), "no activation was asked");
}

#[tokio::test]
async fn a_home_needs_no_reboot_and_has_units_of_its_user() {
    let host = Host::new("home-manager");
    let home = |name: &str, text: &str| {
        let files = host.add(&format!("files-{name}"), &[(".config/systemd/user/mpd.service", text)]);
        let links = [("home-files", files)];
        host.set(&host.add_with_links(
            &format!("home-manager-generation-{name}"),
            &[("gen-version", "1")],
            &links,
        ))
    };
    let (old, new) = (home("1", "a"), home("2", "b"));
    host.runs(new);
    let server = Server::start().await;
    let _agent = host.agent(&server);
    let mut connection = server.accept().await;
    let told = compare(&mut connection, host.reference(new), host.reference(old)).await;
    assert_eq!(told.units.unwrap().changed, ["mpd.service"]);
    let reboot = told.reboot.unwrap();
    assert!(reboot.booted.is_none() && !reboot.is_needed());
}
