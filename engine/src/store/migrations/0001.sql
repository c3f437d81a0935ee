-- Moments are microseconds since 1970. Ids are prefix + 18 digits, so text order is age order.

CREATE TABLE sequence (last INTEGER NOT NULL) STRICT;
INSERT INTO sequence (last) VALUES (0);

-- Named secrets, sealed with the encryption key.
CREATE TABLE secrets (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Every connection ever seen in the settings: its id outlives a restart and a change of spelling.
CREATE TABLE connections (
    id   TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE UNIQUE
) STRICT, WITHOUT ROWID;

CREATE TABLE configs (
    id          TEXT NOT NULL PRIMARY KEY,
    server_uuid TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE mappings (
    config_id     TEXT NOT NULL REFERENCES configs (id) ON DELETE CASCADE,
    position      INTEGER NOT NULL,
    connection_id TEXT NOT NULL REFERENCES connections (id),
    tools         TEXT,                       -- JSON list of names; NULL means all
    PRIMARY KEY (config_id, position),
    UNIQUE (config_id, connection_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    id            TEXT NOT NULL PRIMARY KEY,
    connection_id TEXT NOT NULL REFERENCES connections (id),
    identifier    TEXT NOT NULL,
    status        TEXT NOT NULL,
    credential    BLOB,                       -- sealed with the encryption key
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    UNIQUE (connection_id, identifier)
) STRICT, WITHOUT ROWID;

CREATE TABLE links (
    secret_hash BLOB NOT NULL PRIMARY KEY,    -- SHA-256; the secret itself is stored nowhere
    account_id  TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    expires_at  INTEGER NOT NULL,
    used_at     INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX links_by_account ON links (account_id);
CREATE INDEX links_by_expiry ON links (expires_at);

-- The last listing of a connection's tools.
CREATE TABLE catalogue (
    connection_id TEXT NOT NULL PRIMARY KEY REFERENCES connections (id),
    tools         TEXT NOT NULL
) STRICT, WITHOUT ROWID;
