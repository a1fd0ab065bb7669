-- While an op is open: until when the server waits for it.
ALTER TABLE ops ADD COLUMN due_at TEXT;
-- Who asked for an op to stop that was with its host, and when.
ALTER TABLE ops ADD COLUMN cancel_by TEXT;
ALTER TABLE ops ADD COLUMN cancel_at TEXT;
-- The op that this one tries again.
ALTER TABLE ops ADD COLUMN retry_of TEXT;

-- Ops that were open before are waited for as long as a new one would be.
UPDATE ops SET due_at = strftime('%Y-%m-%dT%H:%M:%S', 'now', '+1 day') || '.000000Z'
    WHERE status IN ('queued','sent','running');
CREATE INDEX idx_ops_due ON ops(due_at) WHERE status IN ('queued','sent','running');
CREATE INDEX idx_ops_status ON ops(status, id DESC);

-- The table of OpStatus::to, once more where nothing passes by it.
CREATE TRIGGER ops_step BEFORE UPDATE OF status ON ops
    WHEN OLD.status <> NEW.status AND OLD.status || ' ' || NEW.status NOT IN (
        'queued sent', 'queued blocked', 'queued cancelled', 'queued timed-out',
        'sent running', 'sent succeeded', 'sent failed', 'sent timed-out', 'sent cancelled', 'sent lost',
        'running succeeded', 'running failed', 'running timed-out', 'running cancelled', 'running lost',
        'lost succeeded', 'lost failed', 'lost timed-out', 'lost cancelled')
    BEGIN SELECT RAISE(ABORT, 'an op cannot take this step'); END;
