UPDATE accounts SET api_config = '{"domain":"example.com"}' WHERE id = 'ca_1';
UPDATE links SET user_verify_url = 'http://app.example/verify', state = 's' WHERE secret_hash = zeroblob(32);
INSERT INTO accounts (id, connection_id, identifier, status, credential, created_at, updated_at) VALUES
    ('ca_3', 'conn_1', 'carol', 'PENDING_VERIFICATION', seal('credential:ca_3', 'her key'), 5, 7);
INSERT INTO verifications (secret_hash, account_id) VALUES (zeroblob(32), 'ca_3');
INSERT INTO instances (id, config_id, user_identifier, name, updated_at) VALUES ('inst_1', 'cfg_1', 'alice', 'mine', 9);
