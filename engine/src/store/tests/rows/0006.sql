INSERT INTO audit VALUES
    (1, 9, 'req_1', 'alice', 'cfg_1', 'gmail', 'mail_send', 'send', 'refused', 'authorization_required', 'authorization_required', 5, 6, 'digest');
