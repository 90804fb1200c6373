# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Writes down what Odoo keeps no history of, by triggers of PostgreSQL's.

How often jobs of synchronizations are started: what a job keeps of itself tells its
tries, and not that it came in vain. And when it was found out, and forgotten, what a
record is at its system.
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
EXECUTE FUNCTION soak_count_run();
CREATE TABLE soak_binding (
    number bigserial, at timestamptz DEFAULT clock_timestamp(), stream_id int,
    res_id int, external_id text, doubt text);
CREATE FUNCTION soak_keep_binding() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO soak_binding (stream_id, res_id, external_id, doubt)
    VALUES (NEW.stream_id, NEW.res_id, NEW.external_id, NEW.doubt);
    RETURN NULL;
END $$;
CREATE TRIGGER soak_keep_binding AFTER UPDATE ON sync_binding
FOR EACH ROW WHEN ((NEW.external_id, NEW.doubt)
                   IS DISTINCT FROM (OLD.external_id, OLD.doubt))
EXECUTE FUNCTION soak_keep_binding()
"""
HISTORY = """
SELECT system.name, kept.res_id, extract(epoch FROM kept.at)::float, kept.external_id,
       kept.doubt
  FROM soak_binding kept
  JOIN sync_stream stream ON stream.id = kept.stream_id
  JOIN sync_backend system ON system.id = stream.backend_id
 ORDER BY kept.number
"""
PER_DELIVERY = """
SELECT (SELECT count(*) FROM soak_run)::float
       / NULLIF(count(*) FILTER (WHERE state = 'success'), 0)
  FROM sync_delivery
"""


def watch(scene):
    """Count the runs of jobs from now on, and keep what becomes of bindings.

    :param scene: the open :class:`soak_scene.Scene`
    """
    scene.query(COUNTER)


def per_delivery(scene):
    """Return the runs since :func:`watch` for each delivery that was confirmed.

    :return: a number with two decimals; None where nothing was delivered
    """
    ((runs,),) = scene.query(PER_DELIVERY)
    return runs if runs is None else round(runs, 2)


def history(scene):
    """Return what was known of records at their systems, oldest first.

    :return: list of dicts with ``system`` (its name), ``contact``, ``time`` (seconds
        since the epoch), ``id`` there and ``doubt``, each None where there is none
    """
    names = ("system", "contact", "time", "id", "doubt")
    return [dict(zip(names, row, strict=True)) for row in scene.query(HISTORY)]


def incidents(scene):
    """Return the incidents there have been: the kind of each, and its reason."""
    return scene.query("SELECT kind, reason FROM sync_incident ORDER BY id")
