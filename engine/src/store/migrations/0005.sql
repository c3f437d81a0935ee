-- How many rows a list without filters has: kept with every change, because counting takes longer the
-- more there are.
CREATE TABLE counts (
    list TEXT NOT NULL PRIMARY KEY,
    rows INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counts (list, rows) VALUES
    ('configs', (SELECT count(*) FROM configs)),
    ('accounts', (SELECT count(*) FROM accounts)),
    ('instances', (SELECT count(*) FROM instances));
CREATE TRIGGER configs_more AFTER INSERT ON configs
    BEGIN UPDATE counts SET rows = rows + 1 WHERE list = 'configs'; END;
CREATE TRIGGER configs_fewer AFTER DELETE ON configs
    BEGIN UPDATE counts SET rows = rows - 1 WHERE list = 'configs'; END;
CREATE TRIGGER accounts_more AFTER INSERT ON accounts
    BEGIN UPDATE counts SET rows = rows + 1 WHERE list = 'accounts'; END;
CREATE TRIGGER accounts_fewer AFTER DELETE ON accounts
    BEGIN UPDATE counts SET rows = rows - 1 WHERE list = 'accounts'; END;
CREATE TRIGGER instances_more AFTER INSERT ON instances
    BEGIN UPDATE counts SET rows = rows + 1 WHERE list = 'instances'; END;
CREATE TRIGGER instances_fewer AFTER DELETE ON instances
    BEGIN UPDATE counts SET rows = rows - 1 WHERE list = 'instances'; END;

CREATE INDEX accounts_by_identifier ON accounts (identifier);
CREATE INDEX instances_by_user ON instances (user_identifier);

-- What accounts of a connection needed when it was last registered: 'none', 'key' or 'tokens'. NULL
-- before that.
ALTER TABLE connections ADD COLUMN needs TEXT;
