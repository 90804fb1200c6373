# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Counts the starts of jobs, by a trigger of PostgreSQL's."""

# Each start of a job, whatever becomes of it.
COUNTER = """
CREATE TABLE IF NOT EXISTS bench_run (uuid text, moment timestamptz);
CREATE OR REPLACE FUNCTION bench_count_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bench_run VALUES (NEW.uuid, clock_timestamp());
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER bench_count_run AFTER UPDATE OF state ON queue_job
FOR EACH ROW WHEN (NEW.state = 'started' AND OLD.state IS DISTINCT FROM 'started')
EXECUTE FUNCTION bench_count_run();
TRUNCATE bench_run
"""
NO_COUNTER = "DROP TRIGGER IF EXISTS bench_count_run ON queue_job"


def count(peer):
    """Count a peer's job runs from now on."""
    peer.query(COUNTER)


def counted(peer):
    """Return how many job runs there were since :func:`count`."""
    ((runs,),) = peer.query("SELECT count(*) FROM bench_run")
    return runs


def seconds_to_first(peer, since):
    """Return the seconds until the first run since :func:`count`, None without one.

    :param since: a time of the peer's database
    """
    ((seconds,),) = peer.query(
        "SELECT extract(epoch FROM min(moment) - %s)::float FROM bench_run", since
    )
    return seconds


def stop_counting(peer):
    """Take the counter away; what it has counted stays."""
    peer.query(NO_COUNTER)
