-- The roll-out of each merged pull request.
CREATE TABLE deployments (
    id              TEXT PRIMARY KEY,
    pr_number       INTEGER NOT NULL,
    pr_title        TEXT NOT NULL,
    pr_url          TEXT NOT NULL,
    commit_sha      TEXT NOT NULL UNIQUE,
    merged_by       TEXT NOT NULL,
    merged_at       TEXT NOT NULL,
    decision        TEXT NOT NULL CHECK (decision IN
        ('open','continued','reverting','reverted','proposed','superseded')),
    decided         TEXT NOT NULL      -- the decision as protocol JSON
);

-- How each host fared. The name stays when the host goes.
CREATE TABLE deployment_hosts (
    deployment_id   TEXT NOT NULL REFERENCES deployments(id) ON DELETE CASCADE,
    host_id         TEXT NOT NULL,
    outcome         TEXT NOT NULL,     -- protocol JSON
    PRIMARY KEY (deployment_id, host_id)
);

-- Commits that may have become the revert of a deployment: remembered before the branch is moved to them.
CREATE TABLE revert_candidates (
    deployment_id   TEXT NOT NULL REFERENCES deployments(id) ON DELETE CASCADE,
    commit_sha      TEXT NOT NULL,
    PRIMARY KEY (deployment_id, commit_sha)
);
