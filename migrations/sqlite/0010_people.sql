-- A disabled person cannot log in; the row stays, and with it the password and the view.
ALTER TABLE users ADD COLUMN disabled_at TEXT;
ALTER TABLE users ADD COLUMN last_seen TEXT;

-- Sessions of before have no identifier and no browser: everybody logs in again.
DROP TABLE sessions;
CREATE TABLE sessions (
    token_hash      TEXT PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,  -- names the session on pages
    user_name       TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE,
    address         TEXT NOT NULL CHECK (length(address) <= 64),
    browser         TEXT NOT NULL CHECK (length(browser) <= 200),
    created_at      TEXT NOT NULL,
    last_seen       TEXT NOT NULL,
    expires_at      TEXT NOT NULL          -- the earlier of its idle and its absolute end
);
CREATE INDEX idx_sessions_user ON sessions(user_name, last_seen DESC);

-- A link with which one person chooses a password. A newer invitation of the same name replaces it.
CREATE TABLE invitations (
    token_hash      TEXT PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL UNIQUE,
    role            TEXT NOT NULL,
    invited_by      TEXT NOT NULL,
    created_at      TEXT NOT NULL,
    expires_at      TEXT NOT NULL
);
