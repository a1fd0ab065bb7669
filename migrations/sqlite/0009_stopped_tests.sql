-- The names of the tests that failed in the run that an op was, as protocol JSON.
ALTER TABLE ops ADD COLUMN failed_tests TEXT NOT NULL DEFAULT '[]';

-- An op that was to stop the tests that held its host: which ones, and whether it still waits for their end.
ALTER TABLE ops ADD COLUMN stops TEXT;
ALTER TABLE ops ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;

-- One open op for a host, and at most one that waits for its tests to end.
DROP INDEX idx_ops_one_open;
CREATE UNIQUE INDEX idx_ops_one_open ON ops(host_id) WHERE status IN ('queued','sent','running') AND waits = 0;
CREATE UNIQUE INDEX idx_ops_one_waits ON ops(host_id) WHERE waits = 1;
CREATE INDEX idx_ops_waits_for ON ops(stops) WHERE waits = 1;
