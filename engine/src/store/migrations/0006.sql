-- What was called: one row per call of a tool, the oldest removed as new ones come. No argument and no
-- result is in it.
CREATE TABLE audit (
    seq              INTEGER NOT NULL PRIMARY KEY,
    at               INTEGER NOT NULL,
    request_id       TEXT NOT NULL,
    identifier       TEXT NOT NULL,
    config_id        TEXT,                -- NULL for a connection's own server
    connection_name  TEXT,                -- NULL where no connection has such a tool
    tool             TEXT NOT NULL,       -- its exposed name
    upstream_tool    TEXT,                -- the upstream's name for it, where it is another one
    decision         TEXT NOT NULL,       -- 'allowed' or 'refused'
    reason           TEXT,                -- why it was refused
    outcome          TEXT NOT NULL,
    engine_us        INTEGER NOT NULL,
    upstream_us      INTEGER NOT NULL,
    arguments_digest TEXT NOT NULL
) STRICT;
