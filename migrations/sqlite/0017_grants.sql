-- Roles on some hosts, above the role on the whole fleet, which stays in `users`. One role for each scope.
CREATE TABLE grants (
    user_name       TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE,
    scope           TEXT NOT NULL,         -- 'tag:lab', 'platform:darwin', 'name:web-*'
    role            TEXT NOT NULL CHECK (role IN ('responder', 'operator')),
    PRIMARY KEY (user_name, scope)
);
