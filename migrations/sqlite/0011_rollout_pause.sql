-- A pause: no host of the roll-out starts until a person resumes it.
ALTER TABLE rollouts ADD COLUMN paused_at TEXT;
-- Who paused it; NULL if it paused by itself.
ALTER TABLE rollouts ADD COLUMN paused_by TEXT;
-- The number of hosts after which it is to pause by itself.
ALTER TABLE rollouts ADD COLUMN pause_after INTEGER CHECK (pause_after > 0);
