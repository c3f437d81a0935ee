-- Somebody refused to authorize with this link.
ALTER TABLE links ADD COLUMN denied_at INTEGER;
