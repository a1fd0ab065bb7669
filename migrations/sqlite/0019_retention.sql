-- When the output of an op was removed because of its age; NULL while it is kept.
ALTER TABLE ops ADD COLUMN output_removed_at TEXT;
CREATE INDEX idx_ops_output_kept ON ops(finished_at) WHERE output_removed_at IS NULL;
-- For what keeps an old op: a retry of it, an op that stopped it, an open roll-out.
CREATE INDEX idx_ops_retry_of ON ops(retry_of) WHERE retry_of IS NOT NULL;
CREATE INDEX idx_ops_stops ON ops(stops) WHERE stops IS NOT NULL;
CREATE INDEX idx_ops_rollout ON ops(rollout_id) WHERE rollout_id IS NOT NULL;

-- What was removed because of its age since the last audit entry that says so.
CREATE TABLE removals (
    kind            TEXT PRIMARY KEY,
    count           INTEGER NOT NULL
);
