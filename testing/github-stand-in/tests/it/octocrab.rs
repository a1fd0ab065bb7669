//! The product's own client, pointed at the stand-in.

use backstay_github_stand_in::{App, AppKey, Options, Permission, StandIn, TOKEN};
use octocrab::Octocrab;
use octocrab::models::{AppId, InstallationId};
use octocrab::params::pulls::MergeMethod;
use octocrab::params::repos::Reference;
use serde_json::{Value, json};

use crate::harness::{git, stand_in, two_commits, update, with};

fn client(stand_in: &StandIn) -> Octocrab {
    Octocrab::builder().base_uri(stand_in.url.as_str()).unwrap().personal_token(TOKEN).build().unwrap()
}

#[tokio::test]
async fn octocrab_lists_reads_and_merges_pull_requests() {
    let stand_in = stand_in().await;
    let octocrab = client(&stand_in);
    let number = stand_in.open_pull_request(update()).await.unwrap();
    stand_in.open_pull_request(two_commits()).await.unwrap();

    let pulls = octocrab.pulls("example", "nixcfg");
    let list = pulls.list().per_page(1).send().await.unwrap();
    assert_eq!(list.items.len(), 1);
    let all = octocrab.all_pages(list).await.unwrap();
    assert_eq!(all.len(), 2);
    let pull = pulls.get(number).await.unwrap();
    assert_eq!((pull.mergeable, pull.title.as_deref()), (Some(true), Some("Update nixpkgs")));
    let merged = pulls.merge(number).sha(pull.head.sha).method(MergeMethod::Squash).send().await.unwrap();
    assert!(merged.merged);
    assert_eq!(merged.sha, Some(git(&stand_in, &["rev-parse", "main"])));
    assert!(pulls.is_merged(number).await.unwrap());
    let error = pulls.merge(number).send().await.unwrap_err();
    let octocrab::Error::GitHub { source, .. } = error else { panic!("{error}") };
    assert_eq!(
        (source.status_code.as_u16(), source.message.as_str()),
        (405, "Pull Request is not mergeable")
    );
}

#[tokio::test]
async fn octocrab_makes_and_moves_branches() {
    let stand_in = stand_in().await;
    let octocrab = client(&stand_in);
    let (old, head) = (git(&stand_in, &["rev-parse", "main^"]), git(&stand_in, &["rev-parse", "main"]));
    let repository = octocrab.repos("example", "nixcfg");
    repository.create_ref(&Reference::Branch("scratch".to_owned()), old).await.unwrap();
    let route = "/repos/example/nixcfg/git/refs/heads/scratch";
    let moved: Value = octocrab.patch(route, Some(&json!({ "sha": head, "force": false }))).await.unwrap();
    assert_eq!(moved["object"]["sha"], json!(head));
    assert_eq!(git(&stand_in, &["rev-parse", "scratch"]), head);
    let told = repository.get().await.unwrap();
    assert_eq!(told.default_branch.as_deref(), Some("main"));
    let content = repository.get_content().path("flake.nix").r#ref("main").send().await.unwrap();
    assert_eq!(content.items[0].decoded_content().as_deref(), Some("{ }\n"));
}

#[tokio::test]
async fn octocrab_is_let_in_as_an_app() {
    let key = AppKey::generate().unwrap();
    let app = App {
        id: 7,
        slug: "backstay".to_owned(),
        installation: 70,
        public_key: key.public.clone(),
        permission: Permission::Write,
    };
    let stand_in =
        with(Options { app: Some(app), base_path: "/api/v3".to_owned(), ..Options::default() }).await;
    let private = jsonwebtoken::EncodingKey::from_rsa_pem(key.private.as_bytes()).unwrap();
    let octocrab =
        Octocrab::builder().base_uri(stand_in.url.as_str()).unwrap().app(AppId(7), private).build().unwrap();
    let installation = octocrab.apps().get_repository_installation("example", "nixcfg").await.unwrap();
    assert_eq!(installation.id, InstallationId(70));
    let octocrab = octocrab.installation(InstallationId(70)).unwrap();
    let pull = stand_in.open_pull_request(update()).await.unwrap();
    assert_eq!(octocrab.pulls("example", "nixcfg").get(pull).await.unwrap().number, pull);
}
