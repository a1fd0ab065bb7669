-- When the server last heard from each host's agent, apart from the host itself: that row holds long facts, and all of
-- it would be written each time.
CREATE TABLE host_seen (
    host_id   TEXT PRIMARY KEY REFERENCES hosts(id) ON DELETE CASCADE,
    last_seen TEXT NOT NULL
);
INSERT INTO host_seen (host_id, last_seen) SELECT id, last_seen FROM hosts WHERE last_seen IS NOT NULL;
ALTER TABLE hosts DROP COLUMN last_seen;
