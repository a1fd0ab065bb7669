//! Payloads of events.

use serde_json::{Value, json};

use crate::git::{ChangedFile, Commit, FileStatus, Moved, Person};
use crate::shape;
use crate::state::{App, State};

/// Writes payloads.
pub(crate) struct Payloads<'a> {
    pub(crate) links: &'a shape::Links,
    pub(crate) state: &'a State,
    pub(crate) app: Option<&'a App>,
    /// The user who caused the event.
    pub(crate) sender: &'a str,
}

/// A change to a pull request.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Opened,
    Reopened,
    Closed,
    Labeled {
        label: String,
    },
    /// Its branch moved.
    Synchronize {
        before: String,
        after: String,
    },
    /// The former value of what changed.
    Edited {
        title: Option<String>,
        body: Option<String>,
    },
}

/// The content of a push.
pub(crate) struct Push<'a> {
    pub(crate) moved: &'a Moved,
    pub(crate) forced: bool,
    /// Its commits, oldest first, with the changes of each.
    pub(crate) commits: &'a [(Commit, Vec<ChangedFile>)],
}

const NOTHING: &str = "0000000000000000000000000000000000000000";

impl Payloads<'_> {
    fn common(&self) -> Value {
        let repository = shape::repository(self.links, self.state);
        let mut payload = json!({ "repository": repository, "sender": shape::user(self.links, self.sender) });
        if let Some(app) = self.app {
            let id = app.installation;
            payload["installation"] =
                json!({ "id": id, "node_id": shape::node_id("IntegrationInstallation", id) });
        }
        payload
    }

    pub(crate) fn ping(&self, url: &str) -> Value {
        let mut payload = self.common();
        payload["zen"] = json!("Keep it logically awesome.");
        payload["hook_id"] = json!(30);
        payload["hook"] = json!({
            "type": "Repository",
            "id": 30,
            "name": "web",
            "active": true,
            "events": ["push", "pull_request"],
            "config": { "content_type": "json", "insecure_ssl": "0", "url": url },
        });
        payload
    }

    /// `pull_request`, with the single pull request's details.
    pub(crate) fn pull_request(&self, action: &Action, pull: &Value) -> Value {
        let mut payload = self.common();
        let (name, more) = self.action(action);
        payload["action"] = json!(name);
        if let (Value::Object(payload), Value::Object(more)) = (&mut payload, more) {
            payload.extend(more);
        }
        payload["number"] = pull["number"].clone();
        payload["pull_request"] = pull.clone();
        payload
    }

    /// Name and details of an action.
    fn action(&self, action: &Action) -> (&'static str, Value) {
        let nothing = json!({});
        match action {
            Action::Opened => ("opened", nothing),
            Action::Reopened => ("reopened", nothing),
            Action::Closed => ("closed", nothing),
            Action::Labeled { label } => ("labeled", json!({ "label": shape::label(self.links, label) })),
            Action::Synchronize { before, after } => {
                ("synchronize", json!({ "before": before, "after": after }))
            }
            Action::Edited { title, body } => {
                let mut changes = json!({});
                for (name, from) in [("title", title), ("body", body)] {
                    if let Some(from) = from {
                        changes[name] = json!({ "from": from });
                    }
                }
                ("edited", json!({ "changes": changes }))
            }
        }
    }

    pub(crate) fn push(&self, push: &Push<'_>) -> Value {
        let moved = push.moved;
        let before = moved.before.as_deref().unwrap_or(NOTHING);
        let after = moved.after.as_deref().unwrap_or(NOTHING);
        let mut payload = self.common();
        self.as_pushes_have_it(&mut payload["repository"]);
        let commits: Vec<Value> =
            push.commits.iter().map(|(commit, files)| self.pushed_commit(commit, files)).collect();
        let compare = self.links.page(&format!("compare/{before:.12}...{after:.12}"));
        let fields = [
            ("ref", json!(format!("refs/heads/{}", moved.branch))),
            ("before", json!(before)),
            ("after", json!(after)),
            ("created", json!(moved.before.is_none())),
            ("deleted", json!(moved.after.is_none())),
            ("forced", json!(push.forced)),
            ("base_ref", Value::Null),
            ("compare", json!(compare)),
            ("head_commit", commits.last().cloned().unwrap_or_default()),
            ("commits", json!(commits)),
            ("pusher", json!({ "name": self.sender, "email": shape::email_of(self.sender) })),
        ];
        for (name, value) in fields {
            payload[name] = value;
        }
        payload
    }

    /// A push writes some of the repository's fields in its own way.
    fn as_pushes_have_it(&self, repository: &mut Value) {
        for name in ["created_at", "pushed_at"] {
            let at = repository[name].as_str().and_then(|at| chrono::DateTime::parse_from_rfc3339(at).ok());
            repository[name] = json!(at.map(|at| at.timestamp()));
        }
        repository["stargazers"] = json!(0);
        repository["master_branch"] = json!(self.state.default_branch);
        repository["url"] = json!(self.links.page(""));
        repository["owner"]["name"] = json!(self.links.owner);
        repository["owner"]["email"] = json!(shape::email_of(&self.links.owner));
    }

    fn pushed_commit(&self, commit: &Commit, files: &[ChangedFile]) -> Value {
        let person =
            |person: &Person| json!({ "name": person.name, "email": person.email, "username": person.name });
        let mut added = vec![];
        let mut removed = vec![];
        let mut modified = vec![];
        for file in files {
            match &file.status {
                FileStatus::Added => added.push(&file.path),
                FileStatus::Removed => removed.push(&file.path),
                FileStatus::Modified => modified.push(&file.path),
                FileStatus::Renamed { from } => {
                    removed.push(from);
                    added.push(&file.path);
                }
            }
        }
        json!({
            "id": commit.sha,
            "tree_id": commit.tree,
            "distinct": true,
            "message": commit.message,
            "timestamp": shape::time(commit.committer.at),
            "url": self.links.page(&format!("commit/{}", commit.sha)),
            "author": person(&commit.author),
            "committer": person(&commit.committer),
            "added": added,
            "removed": removed,
            "modified": modified,
        })
    }
}
