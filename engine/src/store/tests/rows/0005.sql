UPDATE connections SET needs = 'key' WHERE id = 'conn_1';
