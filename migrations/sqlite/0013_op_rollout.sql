-- The roll-out that an op belongs to. Tests that follow an op belong to its roll-out.
ALTER TABLE ops ADD COLUMN rollout_id TEXT;
