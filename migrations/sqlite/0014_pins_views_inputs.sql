-- Generations that people marked. A pin is of one build: a number that gets another build has no pin.
CREATE TABLE pins (
    host_id         TEXT NOT NULL REFERENCES hosts(id) ON DELETE CASCADE,
    number          INTEGER NOT NULL,
    store_path      TEXT NOT NULL,
    note            TEXT NOT NULL CHECK (length(note) <= 300),
    pinned_by       TEXT NOT NULL,
    pinned_at       TEXT NOT NULL,
    PRIMARY KEY (host_id, number)
);

-- Filters of the fleet page that people saved under a name.
CREATE TABLE saved_views (
    user_name       TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE,
    name            TEXT NOT NULL CHECK (length(name) <= 40),
    address         TEXT NOT NULL CHECK (length(address) <= 2000),
    PRIMARY KEY (user_name, name)
);

-- The flake inputs that the pull request changed, as protocol JSON; none if the server did not know them.
ALTER TABLE deployments ADD COLUMN inputs TEXT;
