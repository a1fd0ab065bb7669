-- One kind of action on several hosts.
CREATE TABLE rollouts (
    id              TEXT PRIMARY KEY,
    kind            TEXT NOT NULL,
    deployment_id   TEXT REFERENCES deployments(id) ON DELETE SET NULL,
    requested_by    TEXT NOT NULL,
    reason          TEXT,
    created_at      TEXT NOT NULL,
    parallel        INTEGER NOT NULL CHECK (parallel > 0),
    stop_on_failure INTEGER NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('running','stopping','done','stopped')),
    stated          TEXT NOT NULL      -- the state as protocol JSON
);
-- Of several that are started at once, one is.
CREATE UNIQUE INDEX idx_rollouts_one_running ON rollouts(state) WHERE state = 'running';

-- How far it is on each host. The name stays when the host goes.
CREATE TABLE rollout_hosts (
    rollout_id      TEXT NOT NULL REFERENCES rollouts(id) ON DELETE CASCADE,
    host_id         TEXT NOT NULL,
    position        INTEGER NOT NULL,
    name            TEXT NOT NULL,
    action          TEXT NOT NULL,     -- protocol JSON
    step            TEXT NOT NULL CHECK (step IN ('waiting','running','testing','ok','failed','skipped')),
    op_id           TEXT,              -- the op that the step names
    stepped         TEXT NOT NULL,     -- the step as protocol JSON
    PRIMARY KEY (rollout_id, host_id)
);
CREATE INDEX idx_rollout_hosts_op ON rollout_hosts(op_id) WHERE op_id IS NOT NULL;
-- A host is begun once, and what is over stays so.
CREATE TRIGGER rollout_hosts_step BEFORE UPDATE OF step ON rollout_hosts
    WHEN OLD.step <> NEW.step AND OLD.step || ' ' || NEW.step NOT IN (
        'waiting running', 'waiting skipped', 'waiting failed',
        'running testing', 'running ok', 'running failed', 'running skipped',
        'testing ok', 'testing failed')
    BEGIN SELECT RAISE(ABORT, 'a host of a roll-out cannot take this step'); END;

-- The op with whose end this one was recorded.
ALTER TABLE ops ADD COLUMN follows TEXT;
CREATE INDEX idx_ops_follows ON ops(follows) WHERE follows IS NOT NULL;
