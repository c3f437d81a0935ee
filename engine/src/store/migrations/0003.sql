-- Requests to verify a user end by themselves; those of before have ended.
ALTER TABLE verifications ADD COLUMN expires_at INTEGER NOT NULL DEFAULT 0;
