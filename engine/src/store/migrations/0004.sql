-- A credential is a key, or the tokens of an OAuth provider as JSON.
ALTER TABLE accounts ADD COLUMN credential_kind TEXT;       -- 'key' or 'tokens'; NULL without one
UPDATE accounts SET credential_kind = 'key' WHERE credential IS NOT NULL;
ALTER TABLE accounts ADD COLUMN token_expires_at INTEGER;   -- NULL: it never does, or nobody knows
ALTER TABLE accounts ADD COLUMN renewable INTEGER NOT NULL DEFAULT 0;
CREATE INDEX accounts_by_lapse ON accounts (token_expires_at) WHERE renewable = 0;

-- When the user said no.
ALTER TABLE links ADD COLUMN denied_at INTEGER;

-- Users on their way through a provider's pages. What is secret of it is hashed or sealed.
CREATE TABLE authorizations (
    state_hash   BLOB NOT NULL PRIMARY KEY,                 -- SHA-256 of the `state`
    link_hash    BLOB NOT NULL REFERENCES links (secret_hash) ON DELETE CASCADE,
    browser_hash BLOB NOT NULL,                             -- SHA-256 of the cookie
    verifier     BLOB NOT NULL,                             -- of PKCE, sealed
    expires_at   INTEGER NOT NULL,
    used         INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX authorizations_by_link ON authorizations (link_hash);
