-- a copy of the database must not write to the real systems, nor carry their secrets
UPDATE sync_backend
   SET active = false,
       url = 'https://neutralized.invalid',
       db_host = 'neutralized.invalid';

-- among them that of whoever monitors the original, who must not read the copy
DELETE FROM sync_secret_value;

-- it sends from nowhere now: should it ever send again, that is where it is then
DELETE FROM ir_config_parameter WHERE key = 'queue_job_sync.origin';

-- other servers work on it
DELETE FROM sync_node;
DELETE FROM sync_health;

-- what there is since 19.0.7.0.0: a copy may be neutralized before it is upgraded
DO $$
BEGIN
    IF to_regclass('sync_token') IS NOT NULL THEN
        UPDATE sync_backend
           SET proxy_url = NULL,
               oauth_token_url = 'https://neutralized.invalid',
               oauth_authorize_url = 'https://neutralized.invalid';
        DELETE FROM sync_token;
        DELETE FROM sync_consent;
    END IF;
END
$$;
