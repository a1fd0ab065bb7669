//! URLs.

/// Builds URLs.
#[derive(Debug, Clone)]
pub(crate) struct Links {
    /// `http://127.0.0.1:PORT`
    pub(crate) root: String,
    /// Prefix of every path of the API.
    pub(crate) base_path: String,
    pub(crate) owner: String,
    pub(crate) name: String,
    /// The repository's former name, as `owner/name`.
    pub(crate) formerly: Option<String>,
}

impl Links {
    /// A URL of the API.
    pub(crate) fn api(&self, path: &str) -> String {
        format!("{}{}/{path}", self.root, self.base_path)
    }

    /// A URL of the API, within the repository.
    pub(crate) fn repo(&self, path: &str) -> String {
        let slash = if path.is_empty() { "" } else { "/" };
        self.api(&format!("repos/{}/{}{slash}{path}", self.owner, self.name))
    }

    /// A page of the repository.
    pub(crate) fn page(&self, path: &str) -> String {
        let slash = if path.is_empty() { "" } else { "/" };
        format!("{}/{}/{}{slash}{path}", self.root, self.owner, self.name)
    }

    /// The path below the base path, or `None` if it is elsewhere.
    pub(crate) fn below_base<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(self.base_path.as_str()).filter(|rest| rest.starts_with('/'))
    }

    /// The rest of a path within the repository, which is named by its name or its number.
    pub(crate) fn within<'a>(&self, path: &'a str) -> Option<&'a str> {
        let by_number = path.strip_prefix(self.by_number().as_str());
        let by_name = || Self::below(path, &self.owner, &self.name);
        by_number.filter(|rest| rest.is_empty() || rest.starts_with('/')).or_else(by_name)
    }

    /// Returns the redirect of a path that uses the repository's former name.
    pub(crate) fn moved(&self, path: &str) -> Option<String> {
        let (owner, name) = self.formerly.as_deref()?.split_once('/')?;
        let rest = Self::below(path, owner, name)?;
        Some(format!("{}{}{}{rest}", self.root, self.base_path, self.by_number()))
    }

    /// `/repositories/ID`, which survives a rename of the repository.
    fn by_number(&self) -> String {
        format!("/repositories/{}", super::user::number_of(&format!("{}/{}", self.owner, self.name)))
    }

    /// The rest of a path below a repository's name. Owner and name are case-insensitive.
    fn below<'a>(path: &'a str, owner: &str, name: &str) -> Option<&'a str> {
        let rest = path.strip_prefix("/repos/")?;
        let (its_owner, rest) = rest.split_once('/')?;
        let (its_name, rest) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let is_it = its_owner.eq_ignore_ascii_case(owner) && its_name.eq_ignore_ascii_case(name);
        is_it.then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_within_the_repository_is_found() {
        let links = Links {
            root: "http://h".to_owned(),
            base_path: "/api/v3".to_owned(),
            owner: "o".to_owned(),
            name: "r".to_owned(),
            formerly: Some("o/old".to_owned()),
        };
        let moved = links.moved("/repos/o/old/pulls/1").unwrap();
        let path = moved.strip_prefix("http://h").and_then(|path| links.below_base(path)).unwrap();
        assert_eq!(links.within(path), Some("/pulls/1"));
        assert_eq!(links.moved("/repos/o/r/pulls/1"), None);
        assert_eq!(links.below_base("/api/v3/repos/o/r").and_then(|path| links.within(path)), Some(""));
        assert_eq!(links.within("/repos/O/R/pulls/1"), Some("/pulls/1"));
        assert_eq!(links.within("/repos/o/rr"), None);
        assert_eq!(links.below_base("/api/v33/repos"), None);
        assert_eq!(links.repo("pulls"), "http://h/api/v3/repos/o/r/pulls");
    }
}
