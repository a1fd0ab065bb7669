-- Who comes through the OpenID Connect provider: the provider's issuer and its own identifier of the person, which never changes.
-- The name is ours, and the password of such a person is empty.
CREATE TABLE external_identities (
    issuer          TEXT NOT NULL,
    subject         TEXT NOT NULL,
    user_name       TEXT NOT NULL UNIQUE REFERENCES users(name) ON DELETE CASCADE,
    PRIMARY KEY (issuer, subject)
);

-- The provider's own session, which it names when the person logs out there; NULL if it names none.
ALTER TABLE sessions ADD COLUMN provider_session TEXT;
