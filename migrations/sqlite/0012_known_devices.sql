-- Browsers on which a person has logged in. The browser's cookie opens nothing: it lets the person log in while strangers
-- guess at the name.
CREATE TABLE known_devices (
    token_hash      TEXT PRIMARY KEY,
    user_name       TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE,
    used_at         TEXT NOT NULL
);
CREATE INDEX idx_known_devices_user ON known_devices(user_name, used_at);
