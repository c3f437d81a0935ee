ALTER TABLE accounts ADD COLUMN api_config TEXT;    -- JSON object; NULL means that none was given

-- Where the browser goes after the link's page, and what it takes along; NULL means nowhere.
ALTER TABLE links ADD COLUMN user_verify_url TEXT;
ALTER TABLE links ADD COLUMN state TEXT;

-- Who connected these accounts is not verified yet. At most one open request each: a newer
-- credential ends it.
CREATE TABLE verifications (
    secret_hash BLOB NOT NULL PRIMARY KEY,          -- SHA-256 of the auth_request_id
    account_id  TEXT NOT NULL UNIQUE REFERENCES accounts (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE instances (
    id              TEXT NOT NULL PRIMARY KEY,
    config_id       TEXT NOT NULL REFERENCES configs (id) ON DELETE CASCADE,
    user_identifier TEXT NOT NULL,
    name            TEXT NOT NULL,
    updated_at      INTEGER NOT NULL,
    UNIQUE (config_id, user_identifier, name)
) STRICT, WITHOUT ROWID;
