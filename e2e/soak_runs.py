# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Counts how often jobs of synchronizations are started, by a trigger of PostgreSQL's.

What a job keeps of itself tells its tries, and not that it came in vain.
"""

COUNTER = """
CREATE TABLE soak_run (uuid text);
CREATE FUNCTION soak_count_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO soak_run VALUES (NEW.uuid);
    RETURN NULL;
END $$;
CREATE TRIGGER soak_count_run AFTER UPDATE OF state ON queue_job
FOR EACH ROW WHEN (NEW.state = 'started' AND OLD.state IS DISTINCT FROM 'started'
                   AND NEW.sync_stream_id IS NOT NULL)
EXECUTE FUNCTION soak_count_run()
"""
PER_DELIVERY = """
SELECT (SELECT count(*) FROM soak_run)::float
       / NULLIF(count(*) FILTER (WHERE state = 'success'), 0)
  FROM sync_delivery
"""


def count(scene):
    """Count the runs of jobs from now on.

    :param scene: the open :class:`soak_scene.Scene`
    """
    scene.query(COUNTER)


def per_delivery(scene):
    """Return the runs since :func:`count` for each delivery that was confirmed.

    :return: a number with two decimals; None where nothing was delivered
    """
    ((runs,),) = scene.query(PER_DELIVERY)
    return runs if runs is None else round(runs, 2)
