-- A host that was removed from the fleet stays for the ops, rollbacks and deployments that name it. Its name is free again.
ALTER TABLE hosts ADD COLUMN removed_at TEXT;
DROP INDEX idx_hosts_name;
CREATE UNIQUE INDEX idx_hosts_name ON hosts(lower(name)) WHERE removed_at IS NULL;
