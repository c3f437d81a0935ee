UPDATE accounts SET credential_kind = 'key' WHERE credential IS NOT NULL;
INSERT INTO accounts (id, connection_id, identifier, status, credential, credential_kind, token_expires_at, renewable, created_at, updated_at)
VALUES ('ca_4', 'conn_1', 'dave', 'ACTIVE', seal('tokens:ca_4', '{"access_token":"t","scopes":["mail"],"expires_at":8000000}'), 'tokens', 8000000, 0, 5, 7);
INSERT INTO links (secret_hash, account_id, expires_at, denied_at) VALUES (CAST(printf('%032d', 1) AS BLOB), 'ca_2', 1000000, 4);
INSERT INTO authorizations (state_hash, link_hash, browser_hash, verifier, expires_at, used)
VALUES (zeroblob(32), zeroblob(32), zeroblob(32), seal('verifier:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=', 'the verifier'), 1000000, 0);
