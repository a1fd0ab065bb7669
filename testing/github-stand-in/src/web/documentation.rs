//! URLs of GitHub's documentation.

const ROOT: &str = "https://docs.github.com/rest";

/// Method, first words of the path within the repository, end of the path, and the page.
const PAGES: &[(&str, &str, &str, &str)] = &[
    ("GET", "git/ref/", "", "git/refs#get-a-reference"),
    ("GET", "git/matching-refs/", "", "git/refs#list-matching-references"),
    ("POST", "git/refs", "", "git/refs#create-a-reference"),
    ("PATCH", "git/refs/", "", "git/refs#update-a-reference"),
    ("DELETE", "git/refs/", "", "git/refs#delete-a-reference"),
    ("GET", "git/commits/", "", "git/commits#get-a-commit-object"),
    ("POST", "git/commits", "", "git/commits#create-a-commit"),
    ("GET", "branches/", "/protection", "branches/branch-protection#get-branch-protection"),
    ("GET", "branches/", "", "branches/branches#get-a-branch"),
    ("GET", "rules/branches/", "", "repos/rules#get-rules-for-a-branch"),
    ("GET", "commits/", "/check-runs", "checks/runs#list-check-runs-for-a-git-reference"),
    ("GET", "commits/", "/status", "commits/statuses#get-the-combined-status-for-a-specific-reference"),
    ("GET", "commits/", "/pulls", "commits/commits#list-pull-requests-associated-with-a-commit"),
    ("GET", "commits/", "", "commits/commits#get-a-commit"),
    ("GET", "commits", "", "commits/commits#list-commits"),
    ("GET", "compare/", "", "commits/commits#compare-two-commits"),
    ("POST", "merges", "", "branches/branches#merge-a-branch"),
    ("GET", "contents/", "", "repos/contents#get-repository-content"),
    ("PUT", "pulls/", "/merge", "pulls/pulls#merge-a-pull-request"),
    ("GET", "pulls/", "/commits", "pulls/pulls#list-commits-on-a-pull-request"),
    ("GET", "pulls/", "/files", "pulls/pulls#list-pull-requests-files"),
    ("PATCH", "pulls/", "", "pulls/pulls#update-a-pull-request"),
    ("GET", "pulls/", "", "pulls/pulls#get-a-pull-request"),
    ("GET", "pulls", "", "pulls/pulls#list-pull-requests"),
    ("POST", "pulls", "", "pulls/pulls#create-a-pull-request"),
    ("GET", "installation", "", "apps/apps#get-a-repository-installation-for-the-authenticated-app"),
    ("GET", "/app", "", "apps/apps#get-the-authenticated-app"),
    ("POST", "/app/", "", "apps/apps#create-an-installation-access-token-for-an-app"),
    ("GET", "/user", "", "users/users#get-the-authenticated-user"),
    ("GET", "/rate_limit", "", "rate-limit/rate-limit"),
];

/// Returns the page of an endpoint.
pub(super) fn page(method: &str, what: &str) -> String {
    if what.is_empty() {
        return format!("{ROOT}/repos/repos#get-a-repository");
    }
    let found = PAGES
        .iter()
        .find(|(wanted, start, end, _)| *wanted == method && what.starts_with(start) && what.ends_with(end));
    found.map_or_else(|| ROOT.to_owned(), |(.., page)| format!("{ROOT}/{page}"))
}
