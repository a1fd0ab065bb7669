-- Identifiers are UUIDs as text, booleans 0 or 1, structured values protocol JSON as text. Times are RFC 3339 in UTC
-- with six decimals, always 27 characters, so that the order of the text is the order in time.

CREATE TABLE hosts (
    id              TEXT PRIMARY KEY,
    name            TEXT NOT NULL,
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
-- Names are unique whatever the case of their letters.
CREATE UNIQUE INDEX idx_hosts_name ON hosts(lower(name));

CREATE TABLE join_tokens (
    token_hash      TEXT PRIMARY KEY,
    host_name       TEXT,
    created_at      TEXT NOT NULL,
    expires_at      TEXT NOT NULL,
    used_at         TEXT,
    used_by         TEXT REFERENCES hosts(id) ON DELETE SET NULL
);

-- Every generation that was ever reported; a row stays after the generation has left its profile.
CREATE TABLE generations (
    host_id         TEXT NOT NULL REFERENCES hosts(id) ON DELETE CASCADE,
    number          INTEGER NOT NULL,
    in_profile      INTEGER NOT NULL,
    generation      TEXT NOT NULL,     -- protocol JSON
    PRIMARY KEY (host_id, number)
);

-- Every test run that was ever reported.
CREATE TABLE test_runs (
    host_id         TEXT NOT NULL REFERENCES hosts(id) ON DELETE CASCADE,
    store_path      TEXT NOT NULL,
    started_at      TEXT NOT NULL,
    finished_at     TEXT NOT NULL,
    generation      INTEGER NOT NULL,
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
    was_sent        INTEGER NOT NULL DEFAULT 0,
    phase           TEXT,              -- protocol JSON
    requested_by    TEXT NOT NULL,
    reason          TEXT,
    created_at      TEXT NOT NULL,
    started_at      TEXT,
    finished_at     TEXT,
    outcome         TEXT,              -- protocol JSON
    exit_code       INTEGER,
    message         TEXT,
    output_through  INTEGER NOT NULL DEFAULT 0  -- the last line before the first gap in its output
);
-- One open op for a host.
CREATE UNIQUE INDEX idx_ops_one_open ON ops(host_id) WHERE status IN ('queued','sent','running');
CREATE INDEX idx_ops_host ON ops(host_id, id DESC);

CREATE TABLE op_output (
    op_id           TEXT NOT NULL REFERENCES ops(id) ON DELETE CASCADE,
    seq             INTEGER NOT NULL CHECK (seq > 0),
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
-- How far the log goes, so that entries missing at its end are missed too.
CREATE TABLE audit_head (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    seq             INTEGER NOT NULL,
    hash            TEXT NOT NULL
);
INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '');

CREATE TRIGGER audit_log_is_never_changed BEFORE UPDATE ON audit_log
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_log_is_never_cut BEFORE DELETE ON audit_log
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- INSERT OR REPLACE would pass by the other two.
CREATE TRIGGER audit_log_only_goes_on BEFORE INSERT ON audit_log
    WHEN NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM audit_log)
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
CREATE INDEX idx_sessions_user ON sessions(user_name);
