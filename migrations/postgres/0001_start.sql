-- Every value has the form that it has in SQLite, so that a copy is a straight read: identifiers are UUIDs as text,
-- booleans 0 or 1, structured values protocol JSON as text. Times are RFC 3339 in UTC with six decimals, always 27
-- characters, so that the order of the text is the order in time. Text is compared byte by byte (COLLATE "C").

CREATE TABLE hosts (
    id              TEXT COLLATE "C" PRIMARY KEY,
    name            TEXT COLLATE "C" NOT NULL,
    platform        TEXT COLLATE "C" NOT NULL,
    token_hash      TEXT COLLATE "C" NOT NULL UNIQUE,
    auto_test       BIGINT NOT NULL DEFAULT 1,
    agent_version   TEXT COLLATE "C",
    agent_protocol  BIGINT,
    facts           TEXT COLLATE "C" CHECK (facts IS NULL OR facts::json IS NOT NULL),  -- the latest facts, as protocol JSON
    facts_read_at   TEXT COLLATE "C",
    created_at      TEXT COLLATE "C" NOT NULL,
    tags            TEXT COLLATE "C" NOT NULL DEFAULT '[]',            -- protocol JSON
    notes           TEXT COLLATE "C" NOT NULL DEFAULT '',
    -- How many seconds each test may take; NULL where the agent's configuration says so.
    test_timeout    BIGINT CHECK (test_timeout > 0),
    -- A removed host stays for the ops, rollbacks and deployments that name it. Its name is free again.
    removed_at      TEXT COLLATE "C"
);
-- Names are unique whatever the case of their letters.
CREATE UNIQUE INDEX idx_hosts_name ON hosts (lower(name)) WHERE removed_at IS NULL;

-- Apart from the host itself: that row holds long facts, and all of it would be written each time.
CREATE TABLE host_seen (
    host_id         TEXT COLLATE "C" PRIMARY KEY REFERENCES hosts (id) ON DELETE CASCADE,
    last_seen       TEXT COLLATE "C" NOT NULL
);

CREATE TABLE join_tokens (
    token_hash      TEXT COLLATE "C" PRIMARY KEY,
    host_name       TEXT COLLATE "C",
    created_at      TEXT COLLATE "C" NOT NULL,
    expires_at      TEXT COLLATE "C" NOT NULL,
    used_at         TEXT COLLATE "C",
    used_by         TEXT COLLATE "C" REFERENCES hosts (id) ON DELETE SET NULL
);

-- A row stays after the generation has left its profile.
CREATE TABLE generations (
    host_id         TEXT COLLATE "C" NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
    number          BIGINT NOT NULL,
    in_profile      BIGINT NOT NULL,
    generation      TEXT COLLATE "C" NOT NULL,     -- protocol JSON
    PRIMARY KEY (host_id, number)
);

CREATE TABLE test_runs (
    host_id         TEXT COLLATE "C" NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
    store_path      TEXT COLLATE "C" NOT NULL,
    started_at      TEXT COLLATE "C" NOT NULL,
    finished_at     TEXT COLLATE "C" NOT NULL,
    generation      BIGINT NOT NULL,
    results         TEXT COLLATE "C" NOT NULL,     -- protocol JSON
    PRIMARY KEY (host_id, store_path, started_at)
);
CREATE INDEX idx_test_runs_host ON test_runs (host_id, finished_at DESC);

-- Generations that people marked. A pin is of one build: a number that gets another build has no pin.
CREATE TABLE pins (
    host_id         TEXT COLLATE "C" NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
    number          BIGINT NOT NULL,
    store_path      TEXT COLLATE "C" NOT NULL,
    note            TEXT COLLATE "C" NOT NULL CHECK (length(note) <= 300),
    pinned_by       TEXT COLLATE "C" NOT NULL,
    pinned_at       TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (host_id, number)
);

CREATE TABLE ops (
    id              TEXT COLLATE "C" PRIMARY KEY,
    host_id         TEXT COLLATE "C" NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
    kind            TEXT COLLATE "C" NOT NULL,
    action          TEXT COLLATE "C" NOT NULL,     -- protocol JSON
    status          TEXT COLLATE "C" NOT NULL CHECK (status IN
        ('queued','sent','running','succeeded','failed','timed-out','cancelled','blocked','lost')),
    was_sent        BIGINT NOT NULL DEFAULT 0,
    phase           TEXT COLLATE "C",              -- protocol JSON
    requested_by    TEXT COLLATE "C" NOT NULL,
    reason          TEXT COLLATE "C",
    created_at      TEXT COLLATE "C" NOT NULL,
    started_at      TEXT COLLATE "C",
    finished_at     TEXT COLLATE "C",
    outcome         TEXT COLLATE "C",              -- protocol JSON
    exit_code       BIGINT,
    message         TEXT COLLATE "C",
    output_through  BIGINT NOT NULL DEFAULT 0,     -- the last line before the first gap in its output
    due_at          TEXT COLLATE "C",              -- while it is open: until when the server waits for it
    cancel_by       TEXT COLLATE "C",
    cancel_at       TEXT COLLATE "C",
    retry_of        TEXT COLLATE "C",
    follows         TEXT COLLATE "C",              -- the op with whose end this one was recorded
    failed_tests    TEXT COLLATE "C" NOT NULL DEFAULT '[]',  -- protocol JSON
    stops           TEXT COLLATE "C",              -- the tests that it stopped
    waits           BIGINT NOT NULL DEFAULT 0,     -- 1 while it waits for their end
    rollout_id      TEXT COLLATE "C",
    output_removed_at TEXT COLLATE "C"
);
-- One open op for a host, and at most one that waits for its tests to end.
CREATE UNIQUE INDEX idx_ops_one_open ON ops (host_id) WHERE status IN ('queued','sent','running') AND waits = 0;
CREATE UNIQUE INDEX idx_ops_one_waits ON ops (host_id) WHERE waits = 1;
CREATE INDEX idx_ops_host ON ops (host_id, id DESC);
CREATE INDEX idx_ops_due ON ops (due_at) WHERE status IN ('queued','sent','running');
CREATE INDEX idx_ops_status ON ops (status, id DESC);
CREATE INDEX idx_ops_follows ON ops (follows) WHERE follows IS NOT NULL;
CREATE INDEX idx_ops_waits_for ON ops (stops) WHERE waits = 1;
CREATE INDEX idx_ops_output_kept ON ops (finished_at) WHERE output_removed_at IS NULL;
-- For what keeps an old op: a retry of it, an op that stopped it, an open roll-out.
CREATE INDEX idx_ops_retry_of ON ops (retry_of) WHERE retry_of IS NOT NULL;
CREATE INDEX idx_ops_stops ON ops (stops) WHERE stops IS NOT NULL;
CREATE INDEX idx_ops_rollout ON ops (rollout_id) WHERE rollout_id IS NOT NULL;

CREATE TABLE op_output (
    op_id           TEXT COLLATE "C" NOT NULL REFERENCES ops (id) ON DELETE CASCADE,
    seq             BIGINT NOT NULL CHECK (seq > 0),
    stream          TEXT COLLATE "C" NOT NULL,
    at              TEXT COLLATE "C" NOT NULL,
    line            TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (op_id, seq)
);

-- The identifier is that of the op, so that a rollback is recorded once.
CREATE TABLE rollbacks (
    id              TEXT COLLATE "C" PRIMARY KEY,
    host_id         TEXT COLLATE "C" NOT NULL REFERENCES hosts (id),
    from_gen        BIGINT NOT NULL,
    to_gen          BIGINT NOT NULL,
    reason          TEXT COLLATE "C",
    initiated_by    TEXT COLLATE "C",
    rolled_back_at  TEXT COLLATE "C" NOT NULL,
    success         BIGINT DEFAULT 1
);
CREATE INDEX idx_rollbacks_host ON rollbacks (host_id, rolled_back_at DESC);

-- The roll-out of each merged pull request.
CREATE TABLE deployments (
    id              TEXT COLLATE "C" PRIMARY KEY,
    pr_number       BIGINT NOT NULL,
    pr_title        TEXT COLLATE "C" NOT NULL,
    pr_url          TEXT COLLATE "C" NOT NULL,
    commit_sha      TEXT COLLATE "C" NOT NULL UNIQUE,
    merged_by       TEXT COLLATE "C" NOT NULL,
    merged_at       TEXT COLLATE "C" NOT NULL,
    decision        TEXT COLLATE "C" NOT NULL CHECK (decision IN
        ('open','continued','reverting','reverted','proposed','superseded')),
    decided         TEXT COLLATE "C" NOT NULL,     -- the decision as protocol JSON
    inputs          TEXT COLLATE "C"               -- the flake inputs that it changed, as protocol JSON
);

-- The result on each host. The name stays when the host goes.
CREATE TABLE deployment_hosts (
    deployment_id   TEXT COLLATE "C" NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    host_id         TEXT COLLATE "C" NOT NULL,
    outcome         TEXT COLLATE "C" NOT NULL,     -- protocol JSON
    PRIMARY KEY (deployment_id, host_id)
);

-- Commits that may have become the revert of a deployment: remembered before the branch is moved to them.
CREATE TABLE revert_candidates (
    deployment_id   TEXT COLLATE "C" NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    commit_sha      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (deployment_id, commit_sha)
);

-- One kind of action on several hosts.
CREATE TABLE rollouts (
    id              TEXT COLLATE "C" PRIMARY KEY,
    kind            TEXT COLLATE "C" NOT NULL,
    deployment_id   TEXT COLLATE "C" REFERENCES deployments (id) ON DELETE SET NULL,
    requested_by    TEXT COLLATE "C" NOT NULL,
    reason          TEXT COLLATE "C",
    created_at      TEXT COLLATE "C" NOT NULL,
    parallel        BIGINT NOT NULL CHECK (parallel > 0),
    stop_on_failure BIGINT NOT NULL,
    state           TEXT COLLATE "C" NOT NULL CHECK (state IN ('running','stopping','done','stopped')),
    stated          TEXT COLLATE "C" NOT NULL,     -- the state as protocol JSON
    paused_at       TEXT COLLATE "C",
    paused_by       TEXT COLLATE "C",              -- NULL if it paused automatically
    pause_after     BIGINT CHECK (pause_after > 0)
);
-- Of several that are started at once, one is.
CREATE UNIQUE INDEX idx_rollouts_one_running ON rollouts (state) WHERE state = 'running';
CREATE INDEX idx_rollouts_open ON rollouts (id) WHERE state IN ('running', 'stopping');

-- Its progress on each host. The name stays when the host goes.
CREATE TABLE rollout_hosts (
    rollout_id      TEXT COLLATE "C" NOT NULL REFERENCES rollouts (id) ON DELETE CASCADE,
    host_id         TEXT COLLATE "C" NOT NULL,
    position        BIGINT NOT NULL,
    name            TEXT COLLATE "C" NOT NULL,
    action          TEXT COLLATE "C" NOT NULL,     -- protocol JSON
    step            TEXT COLLATE "C" NOT NULL CHECK (step IN
        ('waiting','running','testing','ok','failed','skipped')),
    op_id           TEXT COLLATE "C",              -- the op that the step names
    stepped         TEXT COLLATE "C" NOT NULL,     -- the step as protocol JSON
    PRIMARY KEY (rollout_id, host_id)
);
CREATE INDEX idx_rollout_hosts_op ON rollout_hosts (op_id) WHERE op_id IS NOT NULL;
CREATE INDEX idx_rollout_hosts_under_way ON rollout_hosts (rollout_id) WHERE step IN ('running', 'testing');

-- Append-only: each entry's hash covers the entry and the hash before it.
CREATE TABLE audit_log (
    seq             BIGINT PRIMARY KEY,
    at              TEXT COLLATE "C" NOT NULL,
    actor           TEXT COLLATE "C" NOT NULL,
    action          TEXT COLLATE "C" NOT NULL,
    host_name       TEXT COLLATE "C",
    from_gen        BIGINT,
    to_gen          BIGINT,
    reason          TEXT COLLATE "C",
    detail          TEXT COLLATE "C" NOT NULL,
    op_id           TEXT COLLATE "C",
    hash            TEXT COLLATE "C" NOT NULL
);
-- The length of the log, which shows that entries are missing at its end.
CREATE TABLE audit_head (
    id              BIGINT PRIMARY KEY CHECK (id = 1),
    seq             BIGINT NOT NULL,
    hash            TEXT COLLATE "C" NOT NULL
);
INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '');

-- How far the log is verified: a restart of the server continues from there.
CREATE TABLE audit_checkpoint (
    id              BIGINT PRIMARY KEY CHECK (id = 1),
    seq             BIGINT NOT NULL,
    hash            TEXT COLLATE "C" NOT NULL,
    since           TEXT COLLATE "C" NOT NULL
);

CREATE TABLE users (
    name            TEXT COLLATE "C" PRIMARY KEY,
    password_hash   TEXT COLLATE "C" NOT NULL,
    role            TEXT COLLATE "C" NOT NULL,
    fleet_view      TEXT COLLATE "C" NOT NULL DEFAULT '{}' CHECK (length(fleet_view) <= 1000),  -- protocol JSON
    disabled_at     TEXT COLLATE "C",
    last_seen       TEXT COLLATE "C"
);

-- Roles on some hosts, above the role on the whole fleet, which stays in `users`. One role for each scope.
CREATE TABLE grants (
    user_name       TEXT COLLATE "C" NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    scope           TEXT COLLATE "C" NOT NULL,     -- 'tag:lab', 'platform:darwin', 'name:web-*'
    role            TEXT COLLATE "C" NOT NULL CHECK (role IN ('responder', 'operator')),
    PRIMARY KEY (user_name, scope)
);

-- The seed of a person's codes, sealed with the server's master key. Unconfirmed until the person has entered a code.
CREATE TABLE second_factors (
    user_name       TEXT COLLATE "C" PRIMARY KEY REFERENCES users (name) ON DELETE CASCADE,
    sealed_seed     TEXT COLLATE "C" NOT NULL,
    confirmed_at    TEXT COLLATE "C",
    last_step       BIGINT NOT NULL DEFAULT 0      -- no code of this step or an earlier one is taken again
);

-- Hashes of codes that each work once, for a person who lost the device.
CREATE TABLE recovery_codes (
    code_hash       TEXT COLLATE "C" PRIMARY KEY,
    user_name       TEXT COLLATE "C" NOT NULL REFERENCES second_factors (user_name) ON DELETE CASCADE
);
CREATE INDEX idx_recovery_codes_user ON recovery_codes (user_name);

CREATE TABLE sessions (
    token_hash      TEXT COLLATE "C" PRIMARY KEY,
    id              TEXT COLLATE "C" NOT NULL UNIQUE,  -- names the session on pages
    user_name       TEXT COLLATE "C" NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    address         TEXT COLLATE "C" NOT NULL CHECK (length(address) <= 64),
    browser         TEXT COLLATE "C" NOT NULL CHECK (length(browser) <= 200),
    created_at      TEXT COLLATE "C" NOT NULL,
    last_seen       TEXT COLLATE "C" NOT NULL,
    expires_at      TEXT COLLATE "C" NOT NULL,     -- the earlier of its idle and its absolute end
    proved_at       TEXT COLLATE "C",              -- when the person last proved who they are; NULL since the log-in
    provider_session TEXT COLLATE "C"              -- the single sign-on provider's own session; NULL if it names none
);
CREATE INDEX idx_sessions_user ON sessions (user_name, last_seen DESC);

-- Who comes through the OpenID Connect provider: the provider's issuer and its own identifier of the person, which never
-- changes. The name is ours, and the password of such a person is empty.
CREATE TABLE external_identities (
    issuer          TEXT COLLATE "C" NOT NULL,
    subject         TEXT COLLATE "C" NOT NULL,
    user_name       TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES users (name) ON DELETE CASCADE,
    PRIMARY KEY (issuer, subject)
);

-- Browsers on which a person has logged in. The browser's cookie opens nothing: it lets the person log in while
-- strangers guess at the name.
CREATE TABLE known_devices (
    token_hash      TEXT COLLATE "C" PRIMARY KEY,
    user_name       TEXT COLLATE "C" NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    used_at         TEXT COLLATE "C" NOT NULL
);
CREATE INDEX idx_known_devices_user ON known_devices (user_name, used_at);

-- A link with which one person chooses a password. A newer invitation of the same name replaces it.
CREATE TABLE invitations (
    token_hash      TEXT COLLATE "C" PRIMARY KEY,
    id              TEXT COLLATE "C" NOT NULL UNIQUE,
    name            TEXT COLLATE "C" NOT NULL UNIQUE,
    role            TEXT COLLATE "C" NOT NULL,
    invited_by      TEXT COLLATE "C" NOT NULL,
    created_at      TEXT COLLATE "C" NOT NULL,
    expires_at      TEXT COLLATE "C" NOT NULL
);

-- Filters of the fleet page that people saved under a name.
CREATE TABLE saved_views (
    user_name       TEXT COLLATE "C" NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    name            TEXT COLLATE "C" NOT NULL CHECK (length(name) <= 40),
    address         TEXT COLLATE "C" NOT NULL CHECK (length(address) <= 2000),
    PRIMARY KEY (user_name, name)
);

-- What was removed because of its age since the last audit entry that says so.
CREATE TABLE removals (
    kind            TEXT COLLATE "C" PRIMARY KEY,
    count           BIGINT NOT NULL
);

-- Refuses a statement with the trigger's argument as the reason.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0];
END $$;

CREATE TRIGGER audit_log_is_never_changed BEFORE UPDATE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse('the audit log is append-only');
CREATE TRIGGER audit_log_is_never_cut BEFORE DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse('the audit log is append-only');
CREATE TRIGGER audit_log_is_never_emptied BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('the audit log is append-only');

CREATE FUNCTION audit_log_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM audit_log) THEN
        RAISE EXCEPTION 'the audit log is append-only';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_log_only_goes_on BEFORE INSERT ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_goes_on();

-- The table of OpStatus::to, which no statement can bypass.
CREATE TRIGGER ops_step BEFORE UPDATE OF status ON ops FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND OLD.status || ' ' || NEW.status NOT IN (
        'queued sent', 'queued blocked', 'queued cancelled', 'queued timed-out',
        'sent running', 'sent succeeded', 'sent failed', 'sent timed-out', 'sent cancelled', 'sent lost',
        'running succeeded', 'running failed', 'running timed-out', 'running cancelled', 'running lost',
        'lost succeeded', 'lost failed', 'lost timed-out', 'lost cancelled'))
    EXECUTE FUNCTION refuse('an op cannot take this step');
-- A host starts once, and what is over stays so.
CREATE TRIGGER rollout_hosts_step BEFORE UPDATE OF step ON rollout_hosts FOR EACH ROW
    WHEN (OLD.step <> NEW.step AND OLD.step || ' ' || NEW.step NOT IN (
        'waiting running', 'waiting skipped', 'waiting failed',
        'running testing', 'running ok', 'running failed', 'running skipped',
        'testing ok', 'testing failed'))
    EXECUTE FUNCTION refuse('a host of a roll-out cannot take this step');
