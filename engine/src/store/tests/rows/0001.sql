UPDATE sequence SET last = 1000;
INSERT INTO secrets (name, value) VALUES ('key_check', seal('key_check', 'vmcp')), ('k', seal('k', 'an engine secret'));
INSERT INTO connections (id, name) VALUES ('conn_1', 'gmail'), ('conn_2', 'git');
INSERT INTO configs (id, server_uuid, name, description) VALUES ('cfg_1', 'uuid-1', 'agent', 'what it is for');
INSERT INTO mappings (config_id, position, connection_id, tools) VALUES
    ('cfg_1', 0, 'conn_2', NULL), ('cfg_1', 1, 'conn_1', '["b","a"]');
INSERT INTO accounts (id, connection_id, identifier, status, credential, created_at, updated_at) VALUES
    ('ca_1', 'conn_1', 'alice', 'ACTIVE', seal('credential:ca_1', 'the key'), 5, 7),
    ('ca_2', 'conn_1', 'bob', 'PENDING_AUTH', NULL, 5, 7);
INSERT INTO links (secret_hash, account_id, expires_at, used_at) VALUES
    (zeroblob(32), 'ca_2', 1000000, NULL), (randomblob(32), 'ca_1', 1000000, 3);
INSERT INTO catalogue (connection_id, tools) VALUES ('conn_1', '[{"name":"a"}]');
