-- The seed of a person's codes, sealed with the server's master key. Unconfirmed until the person has entered a code.
CREATE TABLE second_factors (
    user_name       TEXT PRIMARY KEY REFERENCES users(name) ON DELETE CASCADE,
    sealed_seed     TEXT NOT NULL,
    confirmed_at    TEXT,
    last_step       INTEGER NOT NULL DEFAULT 0  -- no code of this step or an earlier one is taken again
);

-- Hashes of codes that each work once, for a person who lost the device.
CREATE TABLE recovery_codes (
    code_hash       TEXT PRIMARY KEY,
    user_name       TEXT NOT NULL REFERENCES second_factors(user_name) ON DELETE CASCADE
);
CREATE INDEX idx_recovery_codes_user ON recovery_codes(user_name);

-- When the person last proved who they are in this session; NULL since the log-in.
ALTER TABLE sessions ADD COLUMN proved_at TEXT;
