UPDATE verifications SET expires_at = 9000000;
