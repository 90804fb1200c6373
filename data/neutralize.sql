-- a copy of the database must not write to the real systems, nor carry their secrets
UPDATE sync_backend
   SET active = false,
       url = 'https://neutralized.invalid',
       auth_secret = NULL,
       signing_secret = NULL,
       signing_secret_previous = NULL,
       db_host = 'neutralized.invalid',
       db_password = NULL;

-- it sends from nowhere now: should it ever send again, that is where it is then
DELETE FROM ir_config_parameter WHERE key = 'queue_job_sync.origin';

-- nor may whoever monitors the original read the copy
DELETE FROM ir_config_parameter WHERE key = 'queue_job_sync.metrics_token';
