//! Pulls of special checkouts: submodules, filters, deploy keys, other owners. With real git.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use backstay_model::{OpAction, Outcome};

use crate::host::{Host, write_script};
use crate::process::AgentProcess;
use crate::pull::{commit, git, head, put_behind};
use crate::rollback::one;
use crate::server::{Heard, Server};

/// A user who is not root, on every system.
const NOBODY: u32 = 65_534;
/// Newer git requires this to clone a submodule from a folder.
const FROM_FOLDERS: [&str; 2] = ["-c", "protocol.file.allow=always"];

fn status(host: &Host) -> String {
    git(host, "checkout", &["status", "--porcelain"])
}

fn text(host: &Host, file: &str) -> String {
    fs::read_to_string(host.at(file)).unwrap().trim().to_owned()
}

/// Makes an upstream commit with these files, and without those that have no text.
fn upstream_has(host: &Host, files: &[(&str, &str)]) -> String {
    for (file, text) in files {
        fs::write(host.at("upstream").join(file), text).unwrap();
    }
    commit(host, "upstream", "next")
}

/// A host whose checkout is at its upstream's head.
fn up_to_date() -> Host {
    let host = Host::with_three();
    put_behind(&host);
    git(&host, "checkout", &["pull", "--quiet"]);
    host
}

/// A host whose checkout has a submodule that has moved on upstream.
fn with_submodule() -> Host {
    let host = Host::with_three();
    for folder in ["library", "upstream"] {
        fs::create_dir(host.at(folder)).unwrap();
        git(&host, folder, &["init", "--quiet", "--initial-branch=main"]);
    }
    commit(&host, "library", "one");
    let from = host.at("library").display().to_string();
    git(&host, "upstream", &[&FROM_FOLDERS[..], &["submodule", "--quiet", "add", &from, "lib"]].concat());
    commit(&host, "upstream", "one");
    let (from, to) = (host.at("upstream").display().to_string(), host.at("checkout").display().to_string());
    let clone = ["clone", "--quiet", "--recurse-submodules", &from, &to];
    git(&host, ".", &[&FROM_FOLDERS[..], &clone].concat());
    git(&host, "checkout/lib", &["config", "protocol.file.allow", "always"]);
    commit(&host, "library", "two");
    git(&host, "upstream/lib", &["pull", "--quiet", "origin", "main"]);
    commit(&host, "upstream", "two");
    host
}

#[tokio::test]
async fn submodules_are_updated() {
    let host = with_submodule();
    one(&host, OpAction::Pull).await.expect(Outcome::Completed);
    assert_eq!((text(&host, "checkout/lib/flake.lock").as_str(), status(&host).as_str()), ("two", ""));
    let again = one(&host, OpAction::Pull).await;
    assert!(again.expect(Outcome::Completed).starts_with("Already at "));
}

/// As after a plain `git merge`, which leaves submodules behind.
#[tokio::test]
async fn submodules_that_were_left_behind_are_no_changes_of_its_own() {
    let host = with_submodule();
    git(&host, "checkout", &["-c", "submodule.recurse=false", "pull", "--quiet", "--no-recurse-submodules"]);
    assert_eq!(status(&host), "M lib");
    one(&host, OpAction::Pull).await.expect(Outcome::Completed);
    assert_eq!((text(&host, "checkout/lib/flake.lock").as_str(), status(&host).as_str()), ("two", ""));
}

#[tokio::test]
async fn a_submodule_with_commits_of_its_own_is_left_alone() {
    let host = with_submodule();
    let own = commit(&host, "checkout/lib", "own");
    let heard = one(&host, OpAction::Pull).await;
    let message = heard.expect(Outcome::Refused);
    assert!(message.contains("changes of its own: lib"), "{message}");
    assert_eq!(git(&host, "checkout/lib", &["rev-parse", "HEAD"]), own);
}

#[tokio::test]
async fn a_submodule_that_cannot_be_fetched_leaves_the_checkout_as_it_was() {
    let host = with_submodule();
    let before = head(&host);
    fs::rename(host.at("library"), host.at("gone")).unwrap();
    let heard = one(&host, OpAction::Pull).await;
    let message = heard.expect(Outcome::Failed);
    assert!(message.contains("The checkout is as it was"), "{message}");
    assert_eq!((head(&host), status(&host).as_str()), (before, ""));
    fs::rename(host.at("gone"), host.at("library")).unwrap();
    one(&host, OpAction::Pull).await.expect(Outcome::Completed);
    assert_eq!(text(&host, "checkout/lib/flake.lock"), "two");
}

#[tokio::test]
async fn an_ssh_command_of_the_checkout_is_used() {
    let host = Host::with_three();
    let newest = put_behind(&host);
    let ssh = format!(
        "#!/bin/sh\necho \"$*\" >>'{}'\nfor last; do :; done\nexec sh -c \"$last\"\n",
        host.at("ssh.log").display()
    );
    write_script(&host.at("bin/ssh-with-key"), &ssh);
    let (ssh, url) =
        (host.at("bin/ssh-with-key"), format!("git@forge.example:{}", host.at("upstream").display()));
    git(&host, "checkout", &["config", "core.sshCommand", &format!("{} -i deploy_key", ssh.display())]);
    git(&host, "checkout", &["remote", "set-url", "origin", &url]);
    one(&host, OpAction::Pull).await.expect(Outcome::Completed);
    assert_eq!(head(&host), newest);
    assert!(text(&host, "ssh.log").contains("-i deploy_key"));
}

/// A host whose checkout records, at each call of git, the user that its hooks run as.
fn of_nobody() -> Host {
    let host = Host::with_three();
    put_behind(&host);
    fs::set_permissions(&host.path, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(host.at("witness"), "").unwrap();
    fs::set_permissions(host.at("witness"), fs::Permissions::from_mode(0o666)).unwrap();
    let hook = format!("#!/bin/sh\nid -u >>'{}'\n", host.at("witness").display());
    write_script(&host.at("bin/hook"), &hook);
    let hook = host.at("bin/hook").display().to_string();
    git(&host, "checkout", &["config", "core.fsmonitor", &hook]);
    write_script(&host.at("checkout/.git/hooks/post-merge"), &fs::read_to_string(&hook).unwrap());
    host
}

fn give(folder: &Path, owner: u32) {
    let status = Command::new("chown").args(["-R", &format!("{owner}:{owner}")]).arg(folder).status();
    assert!(status.unwrap().success());
}

#[tokio::test]
async fn an_agent_that_is_root_runs_git_as_the_owner_of_the_checkout() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("left out: only root can give a checkout away");
        return;
    }
    let host = of_nobody();
    give(&host.at("checkout"), NOBODY);
    give(&host.at("upstream"), NOBODY);
    let heard = one(&host, OpAction::Pull).await;
    heard.expect(Outcome::Completed);
    let ran_as = text(&host, "witness");
    assert!(!ran_as.is_empty(), "the owner's hooks run");
    assert!(ran_as.lines().all(|uid| uid == NOBODY.to_string()), "{ran_as}");
    assert_eq!(fs::metadata(host.at("checkout/flake.lock")).unwrap().uid(), NOBODY);
    assert_eq!(fs::metadata(host.at("checkout/.git/FETCH_HEAD")).unwrap().uid(), NOBODY);
    assert!(heard.facts.checkout.is_some(), "{:?}", heard.facts.problems);
}

/// The owner of the repository's configuration chooses the programs, no matter who owns the files.
#[tokio::test]
async fn a_repository_of_another_user_in_a_folder_of_root_runs_nothing_as_root() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("left out: only root can give a checkout away");
        return;
    }
    let host = of_nobody();
    give(&host.at("checkout/.git"), NOBODY);
    one(&host, OpAction::Pull).await;
    assert!(text(&host, "witness").lines().all(|uid| uid != "0"), "{}", text(&host, "witness"));
}

/// A host whose upstream changed a file that goes through this filter.
fn with_filter(smudge: &str) -> Host {
    let host = up_to_date();
    upstream_has(&host, &[(".gitattributes", "*.bin filter=big\n"), ("a.bin", "old\n"), ("a.txt", "old\n")]);
    git(&host, "checkout", &["pull", "--quiet"]);
    upstream_has(&host, &[("a.bin", "new\n"), ("a.txt", "new\n"), ("a0.txt", "added\n")]);
    for (key, value) in [("clean", "cat"), ("smudge", smudge), ("required", "true")] {
        git(&host, "checkout", &["config", &format!("filter.big.{key}"), value]);
    }
    host
}

fn is_as_it_was(host: &Host, before: &str) {
    assert_eq!((head(host).as_str(), status(host).as_str()), (before, ""));
    assert_eq!(
        (text(host, "checkout/a.bin").as_str(), text(host, "checkout/a.txt").as_str()),
        ("old", "old")
    );
    assert!(!host.at("checkout/a0.txt").exists());
}

/// As with a missing git-lfs: git removes the old file before it notices.
#[tokio::test]
async fn a_filter_that_is_missing_leaves_the_checkout_as_it_was() {
    let host = with_filter("no-such-filter smudge");
    let before = head(&host);
    let heard = one(&host, OpAction::Pull).await;
    let message = heard.expect(Outcome::Failed);
    assert!(message.contains("no-such-filter") && message.contains("The checkout is as it was"), "{message}");
    is_as_it_was(&host, &before);
    git(&host, "checkout", &["config", "filter.big.smudge", "cat"]);
    one(&host, OpAction::Pull).await.expect(Outcome::Completed);
    assert_eq!((text(&host, "checkout/a.bin").as_str(), status(&host).as_str()), ("new", ""));
}

/// A filter that fails on these calls.
fn failing_at(host: &Host, calls: &str) {
    let script = format!(
        "#!/bin/sh\necho >>'{0}'\ncase ' {calls} ' in *\" $(wc -l <'{0}' | tr -d ' ') \"*) exit 1 ;; esac\nexec cat\n",
        host.at("smudged").display()
    );
    write_script(&host.at("bin/smudge"), &script);
    git(host, "checkout", &["config", "filter.big.smudge", &host.at("bin/smudge").display().to_string()]);
}

#[tokio::test]
async fn a_pull_that_fails_half_way_is_undone() {
    let host = with_filter("cat");
    let before = head(&host);
    // The rehearsal passes. The merge fails after it has removed the old file.
    failing_at(&host, "2");
    let heard = one(&host, OpAction::Pull).await;
    let message = heard.expect(Outcome::Failed);
    assert!(message.contains("The checkout is as it was"), "{message}");
    is_as_it_was(&host, &before);
    one(&host, OpAction::Pull).await.expect(Outcome::Completed);
}

#[tokio::test]
async fn a_pull_that_cannot_be_undone_immediately_is_undone_by_the_next() {
    let host = with_filter("cat");
    failing_at(&host, "2 3");
    let heard = one(&host, OpAction::Pull).await;
    let message = heard.expect(Outcome::Failed);
    assert!(message.contains("these files are half-written: a.bin"), "{message}");
    let heard = one(&host, OpAction::Pull).await;
    heard.expect(Outcome::Completed);
    assert!(heard.has_line("An earlier pull ended half-way."), "{heard:#?}");
    assert_eq!((text(&host, "checkout/a.bin").as_str(), status(&host).as_str()), ("new", ""));
}

/// What a person wrote after the pull failed was not written by the pull.
#[tokio::test]
async fn what_somebody_wrote_after_a_half_pull_is_kept() {
    let host = with_filter("cat");
    failing_at(&host, "2 3");
    one(&host, OpAction::Pull).await.expect(Outcome::Failed);
    fs::write(host.at("checkout/a.bin"), "by hand\n").unwrap();
    let heard = one(&host, OpAction::Pull).await;
    assert!(heard.expect(Outcome::Refused).contains("changes of its own: a.bin"));
    assert_eq!(text(&host, "checkout/a.bin"), "by hand");
}

#[tokio::test]
async fn an_untracked_file_in_the_way_is_named_and_kept() {
    let host = up_to_date();
    upstream_has(&host, &[("new.nix", "theirs")]);
    fs::write(host.at("checkout/new.nix"), "mine").unwrap();
    let before = head(&host);
    let heard = one(&host, OpAction::Pull).await;
    let message = heard.expect(Outcome::Failed);
    assert!(message.contains("new.nix") && message.contains("The checkout is as it was"), "{message}");
    assert_eq!((text(&host, "checkout/new.nix").as_str(), head(&host)), ("mine", before));
}

/// Answers every request with 401, as a private repository does.
fn locked_forge() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/nixcfg", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let head = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n";
            let _ = write!(stream, "{head}Content-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    url
}

#[tokio::test]
async fn git_never_prompts_for_a_password() {
    let host = up_to_date();
    let witness = host.at("asked");
    write_script(&host.at("bin/askpass"), &format!("#!/bin/sh\n: >'{}'\necho secret\n", witness.display()));
    let askpass = host.at("bin/askpass").display().to_string();
    git(&host, "checkout", &["remote", "set-url", "origin", &locked_forge()]);
    git(&host, "checkout", &["config", "core.askPass", &askpass]);
    let server = Server::start().await;
    let mut command = host.agent_command(&server.url, &[]);
    command.env("SSH_ASKPASS", &askpass).env("GIT_ASKPASS", &askpass).env("DISPLAY", ":0");
    let _agent = AgentProcess::start(command, &host.at("agent.log"));
    let mut connection = server.accept().await;
    let op = connection.run(OpAction::Pull).await;
    let heard: Heard = connection.finish(op).await;
    assert!(heard.expect(Outcome::Failed).contains("could not be fetched"));
    assert!(!witness.exists(), "a window was opened on somebody's desktop");
}

#[tokio::test]
async fn local_state_of_a_checkout_is_reported() {
    let host = up_to_date();
    let told = async || one(&host, OpAction::Refresh).await.facts.checkout.unwrap().local.unwrap();
    let clean = told().await;
    assert_eq!((clean.changed, clean.ahead, clean.behind, clean.on.as_deref()), (0, 0, 0, None));
    assert_eq!(clean.upstream.unwrap().0, head(&host));
    commit(&host, "checkout", "own");
    fs::write(host.at("checkout/flake.lock"), "by hand").unwrap();
    let own = told().await;
    assert_eq!((own.changed, own.ahead, own.behind), (1, 1, 0));
    git(&host, "checkout", &["switch", "--quiet", "--detach"]);
    assert_eq!(told().await.on.as_deref(), Some(""));
}

#[tokio::test]
async fn a_missing_checkout_differs_from_an_unreadable_one() {
    let host = Host::with_three();
    let told = async || one(&host, OpAction::Refresh).await.facts.no_checkout.unwrap();
    let none = told().await;
    assert_eq!((none.path, none.why), (host.at("checkout").display().to_string(), None));
    fs::create_dir_all(host.at("checkout/.git")).unwrap();
    assert!(told().await.why.unwrap().contains("not a git repository"));
}
