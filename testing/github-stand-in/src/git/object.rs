//! Reading objects.

use chrono::{DateTime, Utc};

use super::{Git, GitError};

/// The kind of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Commit,
    Tree,
    Blob,
    Tag,
}

/// An object as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) sha: String,
    pub(crate) kind: Kind,
    pub(crate) data: Vec<u8>,
}

/// The author or committer of a commit, and the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) at: DateTime<Utc>,
}

/// A parsed commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) sha: String,
    pub(crate) tree: String,
    pub(crate) parents: Vec<String>,
    pub(crate) author: Person,
    pub(crate) committer: Person,
    pub(crate) message: String,
}

/// An entry at a path of a tree.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    File { sha: String, data: Vec<u8> },
    Folder { entries: Vec<FolderEntry> },
}

/// An entry of a folder.
#[derive(Debug, Clone)]
pub(crate) struct FolderEntry {
    pub(crate) is_folder: bool,
    pub(crate) sha: String,
    pub(crate) size: u64,
    pub(crate) name: String,
}

impl Git {
    /// Reads objects by any name that git knows; `None` for each that does not exist.
    async fn read(&self, names: &[&str]) -> Result<Vec<Option<Object>>, GitError> {
        // A name is one line of git's input: one with a newline in it names nothing.
        let lines: String =
            names.iter().map(|name| name.replace(['\n', '\0'], "?") + "\n").collect::<Vec<_>>().concat();
        let said = self.feed(&["cat-file", "--batch"], lines.as_bytes(), &[]).await?;
        let mut rest = said.out.as_slice();
        names.iter().map(|_| next_object(&mut rest)).collect()
    }

    /// Returns the commit of this name (a branch, a hash, …), or `None`.
    pub(crate) async fn commit(&self, name: &str) -> Result<Option<Commit>, GitError> {
        if name.is_empty() || name.starts_with('-') {
            return Ok(None);
        }
        let object = self.read(&[&format!("{name}^{{commit}}")]).await?.pop().flatten();
        object.map(|object| parse_commit(&object)).transpose()
    }

    /// Returns commits by their hashes, which must exist.
    pub(crate) async fn commits(&self, shas: &[String]) -> Result<Vec<Commit>, GitError> {
        if shas.is_empty() {
            return Ok(vec![]);
        }
        let names: Vec<&str> = shas.iter().map(String::as_str).collect();
        let missing = || GitError::Unexpected("a commit of the history is missing".to_owned());
        let objects = self.read(&names).await?;
        objects.into_iter().map(|object| parse_commit(&object.ok_or_else(missing)?)).collect()
    }

    /// Returns the kind of the object with this hash, or `None`.
    pub(crate) async fn kind_of(&self, sha: &str) -> Result<Option<Kind>, GitError> {
        Ok(self.read(&[sha]).await?.pop().flatten().map(|object| object.kind))
    }

    /// Returns the entry at `path` of a commit's tree.
    pub(crate) async fn entry(&self, commit: &str, path: &str) -> Result<Option<Entry>, GitError> {
        let name = format!("{commit}:{path}");
        let Some(object) = self.read(&[&name]).await?.pop().flatten() else { return Ok(None) };
        match object.kind {
            Kind::Blob => Ok(Some(Entry::File { sha: object.sha, data: object.data })),
            Kind::Tree => Ok(Some(Entry::Folder { entries: self.folder(&object.sha).await? })),
            Kind::Commit | Kind::Tag => Ok(None),
        }
    }

    async fn folder(&self, tree: &str) -> Result<Vec<FolderEntry>, GitError> {
        let listed = self.text(&["ls-tree", "-z", "--long", tree]).await?;
        Ok(listed.split('\0').filter_map(folder_entry).collect())
    }
}

fn folder_entry(line: &str) -> Option<FolderEntry> {
    let (facts, name) = line.split_once('\t')?;
    let mut facts = facts.split_ascii_whitespace().skip(1);
    let (kind, sha, size) = (facts.next()?, facts.next()?, facts.next()?);
    Some(FolderEntry {
        is_folder: kind == "tree",
        sha: sha.to_owned(),
        size: size.parse().unwrap_or(0),
        name: name.to_owned(),
    })
}

/// Parses the next object in the output of `cat-file --batch`.
fn next_object(rest: &mut &[u8]) -> Result<Option<Object>, GitError> {
    let garbled = || GitError::Unexpected("the list of objects ends early".to_owned());
    let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(garbled)?;
    let head = String::from_utf8_lossy(&rest[..end]).into_owned();
    *rest = &rest[end + 1..];
    let words: Vec<&str> = head.split(' ').collect();
    let [sha, kind, size] = words[..] else { return Ok(None) };
    let kind = match kind {
        "commit" => Kind::Commit,
        "tree" => Kind::Tree,
        "blob" => Kind::Blob,
        "tag" => Kind::Tag,
        // `NAME missing`, `NAME ambiguous`
        _ => return Ok(None),
    };
    let size: usize = size.parse().map_err(|_| garbled())?;
    let data = rest.get(..size).ok_or_else(garbled)?.to_vec();
    *rest = rest.get(size + 1..).ok_or_else(garbled)?;
    Ok(Some(Object { sha: sha.to_owned(), kind, data }))
}

fn parse_commit(object: &Object) -> Result<Commit, GitError> {
    let text = String::from_utf8_lossy(&object.data);
    let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
    let value = |key: &str| head.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
    let garbled = || GitError::Unexpected(format!("commit {} cannot be read", object.sha));
    let person = |key: &str| value(key).and_then(parse_person).ok_or_else(garbled);
    Ok(Commit {
        sha: object.sha.clone(),
        tree: value("tree").ok_or_else(garbled)?.to_owned(),
        parents: head.lines().filter_map(|line| line.strip_prefix("parent ")).map(str::to_owned).collect(),
        author: person("author")?,
        committer: person("committer")?,
        message: message.to_owned(),
    })
}

/// `NAME <EMAIL> SECONDS ZONE`
fn parse_person(line: &str) -> Option<Person> {
    let (name, rest) = line.split_once('<')?;
    let (email, when) = rest.rsplit_once('>')?;
    let seconds = when.trim().split(' ').next()?.parse().ok()?;
    let at = DateTime::from_timestamp(seconds, 0)?;
    Some(Person { name: name.trim_end().to_owned(), email: email.to_owned(), at })
}
