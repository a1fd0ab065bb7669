-- Identifiers are UUIDs as text, times RFC 3339 in UTC as text, booleans 0 or 1, structured values JSON as text.

CREATE TABLE hosts (
    id              TEXT PRIMARY KEY,
    name            TEXT NOT NULL COLLATE NOCASE UNIQUE,
    platform        TEXT NOT NULL,
    token_hash      TEXT NOT NULL UNIQUE,
    auto_test       INTEGER NOT NULL DEFAULT 1,
    agent_version   TEXT,
    agent_protocol  INTEGER,
    last_seen       TEXT,
    facts           TEXT,              -- the latest facts, as protocol JSON
    facts_read_at   TEXT,
    created_at      TEXT NOT NULL
);

CREATE TABLE join_tokens (
    token_hash      TEXT PRIMARY KEY,
    host_name       TEXT COLLATE NOCASE,
    created_at      TEXT NOT NULL,
    expires_at      TEXT NOT NULL,
    used_at         TEXT,
    used_by         TEXT REFERENCES hosts(id) ON DELETE SET NULL
);

-- Every generation that was ever reported; a row stays after the generation has left its profile.
CREATE TABLE generations (
    host_id         TEXT NOT NULL REFERENCES hosts(id) ON DELETE CASCADE,
    number          INTEGER NOT NULL,
    store_path      TEXT NOT NULL,
    created_at      TEXT NOT NULL,
    in_profile      INTEGER NOT NULL,
    generation      TEXT NOT NULL,     -- protocol JSON
    PRIMARY KEY (host_id, number)
);

CREATE TABLE test_runs (
    host_id         TEXT NOT NULL REFERENCES hosts(id) ON DELETE CASCADE,
    generation      INTEGER NOT NULL,
    store_path      TEXT NOT NULL,
    started_at      TEXT NOT NULL,
    finished_at     TEXT NOT NULL,
    passed          INTEGER NOT NULL,
    total           INTEGER NOT NULL,
    results         TEXT NOT NULL,     -- protocol JSON
    PRIMARY KEY (host_id, store_path, started_at)
);
CREATE INDEX idx_test_runs_host ON test_runs(host_id, finished_at DESC);

CREATE TABLE ops (
    id              TEXT PRIMARY KEY,
    host_id         TEXT NOT NULL REFERENCES hosts(id) ON DELETE CASCADE,
    kind            TEXT NOT NULL,
    action          TEXT NOT NULL,     -- protocol JSON
    status          TEXT NOT NULL CHECK (status IN
        ('queued','sent','running','succeeded','failed','timed-out','cancelled','blocked','lost')),
    phase           TEXT,              -- protocol JSON
    requested_by    TEXT NOT NULL,
    reason          TEXT,
    created_at      TEXT NOT NULL,
    sent_at         TEXT,
    started_at      TEXT,
    finished_at     TEXT,
    outcome         TEXT,
    exit_code       INTEGER,
    message         TEXT
);
-- One open op for a host.
CREATE UNIQUE INDEX idx_ops_one_open ON ops(host_id) WHERE status IN ('queued','sent','running');
CREATE INDEX idx_ops_host ON ops(host_id, id DESC);

CREATE TABLE op_output (
    op_id           TEXT NOT NULL REFERENCES ops(id) ON DELETE CASCADE,
    seq             INTEGER NOT NULL,
    stream          TEXT NOT NULL,
    at              TEXT NOT NULL,
    line            TEXT NOT NULL,
    PRIMARY KEY (op_id, seq)
) WITHOUT ROWID;

-- The identifier is that of the op, so that a rollback is recorded once.
CREATE TABLE rollbacks (
    id              TEXT PRIMARY KEY,
    host_id         TEXT NOT NULL,
    from_gen        INTEGER NOT NULL,
    to_gen          INTEGER NOT NULL,
    reason          TEXT,
    initiated_by    TEXT,
    rolled_back_at  DATETIME NOT NULL,
    success         INTEGER DEFAULT 1,
    FOREIGN KEY (host_id) REFERENCES hosts(id)
);
CREATE INDEX idx_rollbacks_host ON rollbacks(host_id, rolled_back_at DESC);

-- Append-only: each entry's hash covers the entry and the hash before it.
CREATE TABLE audit_log (
    seq             INTEGER PRIMARY KEY,
    at              TEXT NOT NULL,
    actor           TEXT NOT NULL,
    action          TEXT NOT NULL,
    host_name       TEXT,
    from_gen        INTEGER,
    to_gen          INTEGER,
    reason          TEXT,
    detail          TEXT NOT NULL,
    op_id           TEXT,
    hash            TEXT NOT NULL
);
CREATE TRIGGER audit_log_is_never_changed BEFORE UPDATE ON audit_log
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_log_is_never_cut BEFORE DELETE ON audit_log
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TABLE users (
    name            TEXT PRIMARY KEY,
    password_hash   TEXT NOT NULL,
    role            TEXT NOT NULL
);

CREATE TABLE sessions (
    token_hash      TEXT PRIMARY KEY,
    user_name       TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE,
    created_at      TEXT NOT NULL,
    expires_at      TEXT NOT NULL
);
