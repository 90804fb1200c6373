# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How long a screen takes in a real browser that has never seen it.

What is beside them is queue_job's own list of as many jobs, in a database without the
addon: most of what a screen takes is the web client, which both have.
"""

from pathlib import Path

from benchmarks import contacts
from benchmarks.peers import QUEUE, SCREENS
from benchmarks.progress import tell
from support.browser import Browser
from support.environment import browser
from support.figures import in_turns

SYSTEMS = 49
BATCH = 100  # the addon's default
# Records of a page of a list.
PAGE = 80
# As long as a job list has to be; none of them is ever due.
FILL_JOBS = """
INSERT INTO queue_job (uuid, name, model_name, method_name, state, user_id, company_id,
                       priority, date_created, eta, func_string, channel, retry,
                       max_retries)
SELECT gen_random_uuid(), 'Contact ' || n, 'res.partner', 'write', 'pending', 2, 1,
       10, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC' + interval '1 day',
       'res.partner().write()', 'root', 0, 5
  FROM generate_series(1, %s) AS n
"""
SHARE = """
UPDATE res_partner SET ref = 'share ' || id %% %s WHERE email LIKE 'old-%%'
"""
ACTION = "/odoo/action-queue_job"
DASHBOARD = f"{ACTION}_sync.action_sync_dashboard"
JOBS = f"{ACTION}.action_queue_job"
CONTACTS = "/odoo/contacts?view_type=list"
# The smallest screen of Odoo: the list of the one company.
BARE = "/odoo/action-base.action_res_company_form"
CARD = ".o_kanban_record:not(.o_kanban_ghost) .o_queue_job_sync_hours"
ROW = ".o_data_row"


def prepared(scene):
    """Have systems, contacts that they have, and a job for each; once in a run.

    :return: the peer, whose runner is held
    """
    return scene.once("screens", lambda: _prepare(scene))


def _prepare(scene):
    peer, sizes = scene.peers[SCREENS], scene.sizes
    tell(f"{SYSTEMS} systems, {sizes.contacts} contacts, a job for each")
    peer.query(SHARE, SYSTEMS)
    settings = {
        "count": SYSTEMS,
        "url": scene.destination.url,
        "mapping": contacts.MAPPING,
    }
    script = Path(__file__).with_name("inside") / "systems.py"
    scene.shell(peer.database, f"SETTINGS = {settings!r}\n{script.read_text()}")
    # what is written by a worker, the others hear of
    streams = peer.admin.call("sync.stream", "search", domain=[])
    ids = peer.old_ids(sizes.contacts)
    _send_in(peer, streams, BATCH)
    peer.touch(ids)
    peer.wait_until_idle(3600)
    peer.pause()
    fill(peer, sizes)
    scene.peers[QUEUE].query(FILL_JOBS, sizes.contacts)
    for each in (peer, scene.peers[QUEUE]):
        with browser_of(each) as page:
            # the server makes the code of the web client once
            page.milliseconds_until(JOBS, ROW, PAGE)
    with browser_of(peer) as page:
        page.milliseconds_until(DASHBOARD, CARD, SYSTEMS)
    return peer


def fill(peer, sizes):
    """Queue a job for each contact."""
    streams = peer.admin.call("sync.stream", "search", domain=[])
    _send_in(peer, streams, 1)
    peer.touch(peer.old_ids(sizes.contacts))
    _send_in(peer, streams, BATCH)


def _send_in(peer, streams, batch_size):
    """Change how many records are one job, when many are edited at once."""
    peer.admin.call("sync.stream", "write", streams, vals={"batch_size": batch_size})


def show_column(peer):
    """Have the list of contacts show the column that users have to choose."""
    ((view_id,),) = peer.query(
        "SELECT res_id FROM ir_model_data"
        " WHERE module = 'base' AND name = 'view_partner_tree'"
    )
    column = '<field name="sync_state" widget="badge" optional="show" />'
    arch = f'<field name="email" position="after">{column}</field>'
    view = {"name": "shown", "model": "res.partner", "inherit_id": view_id}
    peer.admin.create("ir.ui.view", {**view, "arch": arch})


def own_list(scene):
    """Return the milliseconds that queue_job's own list of jobs takes."""
    return opened(scene.peers[QUEUE], JOBS, ROW, PAGE)


def opened(peer, address, shown, count):
    """Return after how many milliseconds a screen is there, from the navigation.

    The browser is a new one: it has nothing of Odoo in its cache.

    :param shown: CSS selector of what the screen has ``count`` of
    """
    with browser_of(peer) as page:
        return page.milliseconds_until(address, shown, count)


def beside_own_list(scene, address, shown, count, **others):
    """Return what a screen and queue_job's own list take, round by round.

    :param others: functions that open something else, by name
    """
    peer = prepared(scene)
    return in_turns(
        scene.sizes.rounds,
        {
            SCREENS: lambda: opened(peer, address, shown, count),
            QUEUE: lambda: own_list(scene),
            **others,
        },
    )


def browser_of(peer):
    """Return a new :class:`Browser`, to be entered, with an empty cache."""
    return Browser(browser.find(), peer.server.url, peer.web.session_id)
