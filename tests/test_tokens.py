# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One access to a system by OAuth 2, whoever sends to it and whatever happens."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import psycopg2

from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..engine import secrets, tokens
from ..exceptions import RateLimited, Unreachable
from ..transports.http.tokens import CONNECT
from .oauth_case import OAuthCase
from .secret_case import set_variable, tables_with
from .servers import Answer
from .test_secrets import all_logs
from .token_server import CLIENT_SECRET

WORKERS = 6


@tagged("post_install", "-at_install")
class TestDelivered(OAuthCase):
    """Records get through with a token that nobody has pasted."""

    def shown(self):
        """Return what each request to the destination has shown."""
        return [
            each.headers["Authorization"]
            for each in self.token_server.requests
            if each.path != "/token"
        ]

    def test_first_record(self):
        self.new_partner()
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.shown(), [f"Bearer {self.token_server.access}"])
        # and another job has it too
        self.new_partner()
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(len(self.token_server.renewals), 1)

    def test_scheme(self):
        self.change_backend(oauth_scheme="Zoho-oauthtoken")
        self.new_partner()
        self.assertEqual(self.run_pending(), ["done"])
        access = self.token_server.access
        self.assertEqual(self.shown(), [f"Zoho-oauthtoken {access}"])

    def test_rotated_before_it_is_used(self):
        seen = []
        self.token_server.on_request = lambda: seen.append(self.refresh())
        self.new_partner()
        self.assertEqual(self.run_pending(), ["done"])
        ((_access, refresh),) = self.token_server.given
        self.assertEqual(seen, [refresh])

    def test_killed_between_renewal_and_use(self):
        """What the worker would have sent with it is lost, and it is not."""

        class Killed(BaseException):
            pass

        def kill():
            raise Killed

        token = self.token()
        with self.assertRaises(Killed), self.transaction():
            token()
            kill()
        ((access, refresh),) = self.token_server.given
        self.assertEqual((self.current(), self.refresh()), (access, refresh))
        self.let_pass(3600)
        self.assertEqual(self.current(), self.token_server.given[1][0])
        self.assertEqual(self.token_server.renewals[1:], [refresh])

    def token(self):
        with self.transaction() as env:
            return tokens.Token(env["sync.backend"].browse(self.backend_id))

    def test_renewed_before_it_ends(self):
        self.current()
        self.let_pass(3600 - 61)
        self.current()
        self.assertEqual(len(self.token_server.given), 1)
        self.let_pass(2)
        self.assertEqual(self.current(), self.token_server.given[1][0])
        self.assertEqual(len(self.token_server.given), 2)

    def test_two_seconds(self):
        self.token_server.life = 2
        token = self.token()
        first = token()
        self.assertEqual(token(), first)
        time.sleep(2.1)
        self.assertNotEqual(token(), first)
        self.assertEqual(len(self.token_server.renewals), 2)
        self.new_partner()
        time.sleep(2.1)
        self.assertEqual(self.run_pending(), ["done"])

    def test_life_that_is_not_told(self):
        self.token_server.life = None
        access = self.current()
        self.let_pass(10**6)
        self.assertEqual(self.current(), access)
        self.token_server.revoke_access()
        self.new_partner()
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(len(self.token_server.given), 2)

    def test_refused_for_long(self):
        """Zoho gives 10 tokens in 10 minutes."""
        access = self.current()
        for _half_minute in range(20):
            self.let_pass(30)
            access = self.current(access)
        self.assertLessEqual(len(self.token_server.given), 10)

    def test_refused_while_it_is_new(self):
        """For single records, perhaps: a server gives only so many tokens."""
        self.change_backend(pause_on_outage=False)
        access = self.current()
        self.token_server.answer(401, {"message": "not yours"}, times=2)
        for _each in range(2):
            self.new_partner()
        self.assertEqual(self.run_pending(), ["pending"] * 2)
        self.assertEqual(self.sent(), ["POST /api/contacts"] * 2)
        self.assertEqual(len(self.token_server.renewals), 1)
        self.let_pass(tokens.YOUNG)
        self.token_server.answer(401, {"message": "not yours"})
        self.assertEqual(self.run_pending(), ["done"] * 2)
        self.assertEqual(len(self.token_server.renewals), 2)
        self.assertNotEqual(self.current(), access)

    def test_new_one_that_has_ended(self):
        self.token_server.life = 2
        access = self.current()
        self.assertEqual(self.current(spent=access), access)
        self.let_pass(2)
        self.assertNotEqual(self.current(spent=access), access)

    def test_refused_and_renewed_once(self):
        self.current()
        self.let_pass(tokens.YOUNG)
        self.token_server.revoke_access()
        self.new_partner()
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.sent(), ["POST /api/contacts"] * 2)
        self.assertEqual(len(self.token_server.renewals), 2)
        # both are in the log, and the key is the same
        keys = {
            each.headers["Idempotency-Key"]
            for each in self.token_server.requests
            if each.path != "/token"
        }
        self.assertEqual(len(keys), 1)

    def test_refused_again(self):
        """A system that lets nobody in is not asked for ever."""
        self.change_backend(outage_threshold=1)
        self.current()
        self.let_pass(tokens.YOUNG)
        self.token_server.is_closed = True
        self.new_partner()
        self.run_pending()
        self.assertEqual(self.sent(), ["POST /api/contacts"] * 2)
        self.assertEqual(len(self.token_server.renewals), 2)
        self.assertIn("credentials are refused", self.open_incident()[1])

    def test_refused_after_another_worker_has_renewed(self):
        old = self.current()
        token = self.token()
        self.assertEqual(token(), f"Bearer {old}")
        self.let_pass(tokens.YOUNG)
        new = self.current(spent=old)
        self.assertNotEqual(new, old)
        # it has been refused the old one
        self.assertEqual(token(f"Bearer {old}"), f"Bearer {new}")
        self.assertEqual(len(self.token_server.renewals), 2)

    def test_without_rotation(self):
        self.token_server.rotates = False
        refresh = self.refresh()
        self.current()
        self.let_pass(3600)
        self.current()
        self.assertEqual(self.token_server.renewals, [refresh] * 2)
        self.assertEqual(self.refresh(), refresh)

    def test_reference_until_the_system_gives_another_one(self):
        set_variable(self, "CRM_REFRESH", self.token_server.begin())
        self.change_backend(oauth_refresh_token="env:CRM_REFRESH")
        with self.assertLogs(tokens.__name__, "WARNING") as logs:
            self.current()
        self.assertIn("env:CRM_REFRESH is none any more", logs.output[0])
        ((_access, refresh),) = self.token_server.given
        self.assertEqual(self.refresh(), refresh)
        with self.transaction() as env:
            origin = env["sync.backend"].browse(self.backend_id)
            self.assertIn("in the database", origin.oauth_refresh_token_origin)

    def test_reference_to_what_the_system_repeats(self):
        """It stays beside the database, and another one there is used at once."""
        server = self.token_server
        server.rotates, server.repeats = False, True
        first, second = server.begin(), server.begin()
        set_variable(self, "CRM_REFRESH", first)
        self.change_backend(oauth_refresh_token="env:CRM_REFRESH")
        self.current()
        with self.transaction() as env:
            self.assertEqual(
                secrets.kept(env, self.backend_id)[tokens.REFRESH], "env:CRM_REFRESH"
            )
            self.assertEqual(tables_with(env.cr, first), {})
        set_variable(self, "CRM_REFRESH", second)
        self.let_pass(3600)
        self.current()
        self.assertEqual(server.renewals, [first, second])

    def test_preview_asks_for_nothing(self):
        partner_id = self.new_partner()
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            preview = env["sync.preview"].create({"stream_id": stream.id})
            preview._look(env["res.partner"].browse(partner_id))
            self.assertIn("Authorization: ***", preview.request)
        self.assertEqual(self.token_server.given[1:], [])


@tagged("post_install", "-at_install")
class TestClientCredentials(OAuthCase):
    auth = "oauth_client"

    def test_delivered(self):
        self.new_partner()
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.token_server.renewals, [])
        self.let_pass(3600)
        self.new_partner()
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(len(self.token_server.given), 2)

    def test_in_the_body_with_scope_and_audience(self):
        self.change_backend(
            oauth_client_auth="body",
            oauth_scope="a b",
            oauth_parameters="audience=https://api.example.com",
        )
        self.current()
        headers, form = self.token_server.asked[-1]
        self.assertNotIn("Authorization", headers)
        self.assertEqual(form["client_secret"], CLIENT_SECRET)
        self.assertEqual(form["scope"], "a b")
        self.assertEqual(form["audience"], "https://api.example.com")

    def test_secret_beside_the_database(self):
        set_variable(self, "CRM_CLIENT_SECRET", CLIENT_SECRET)
        self.change_backend(oauth_client_secret="env:CRM_CLIENT_SECRET")
        self.assertTrue(self.current())
        set_variable(self, "CRM_CLIENT_SECRET", None)
        self.let_pass(3600)
        with self.assertRaises(Unreachable) as caught:
            self.current()
        self.assertIn("CRM_CLIENT_SECRET", caught.exception.message)

    def test_wrong_secret(self):
        self.change_backend(oauth_client_secret="wr0ng-secret")
        self.new_partner()
        self.run_pending()
        (job,) = self.job_uuids()
        self.assertIn("invalid_client", str(self.job(job, "exc_info", "result")))
        self.assertEqual(self.sent(), [])


@tagged("post_install", "-at_install")
class TestAtOnce(OAuthCase):
    """Workers and nodes that need a new access at the same moment."""

    def all_at_once(self, count, spent=None):
        """Return what so many workers have, each with a connection of its own."""
        barrier = threading.Barrier(count)

        def work(_number):
            barrier.wait()
            return self.current(spent)

        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(work, range(count)))

    def test_first_access(self):
        self.token_server.slow = 0.5
        found = self.all_at_once(WORKERS)
        self.assertEqual(set(found), {self.token_server.access})
        self.assertEqual(len(self.token_server.renewals), 1)

    def test_again_and_again(self):
        """Never two renewals with one token: all that came of it would be lost."""
        for round_number in range(1, 6):
            found = self.all_at_once(WORKERS)
            self.assertEqual(set(found), {self.token_server.access})
            self.assertEqual(len(self.token_server.renewals), round_number)
            self.let_pass(3600)
        self.assertEqual(len(set(self.token_server.renewals)), 5)

    def test_refused_to_all(self):
        spent = self.current()
        self.let_pass(tokens.YOUNG)
        self.token_server.revoke_access()
        self.token_server.slow = 0.3
        found = self.all_at_once(WORKERS, spent)
        self.assertEqual(set(found), {self.token_server.access})
        self.assertEqual(len(self.token_server.renewals), 2)

    def test_threads_of_one_transport(self):
        self.token_server.slow = 0.3
        with self.transaction() as env:
            token = tokens.Token(env["sync.backend"].browse(self.backend_id))
        with ThreadPoolExecutor(WORKERS) as pool:
            found = set(pool.map(lambda _n: token(), range(WORKERS)))
            self.assertEqual(found, {f"Bearer {self.token_server.access}"})
            (old,) = found
            self.let_pass(tokens.YOUNG)
            found = set(pool.map(lambda _n: token(old), range(WORKERS)))
        self.assertEqual(found, {f"Bearer {self.token_server.access}"})
        self.assertEqual(len(self.token_server.renewals), 2)

    def test_nobody_waits_for_ever(self):
        with self.transaction() as env:
            env.cr.execute(
                "INSERT INTO sync_token (backend_id) VALUES (%s)"
                " ON CONFLICT DO NOTHING",
                (self.backend_id,),
            )
        with self.transaction() as env:
            env.cr.execute(
                "SELECT FROM sync_token WHERE backend_id = %s FOR UPDATE",
                (self.backend_id,),
            )
            started = time.monotonic()
            with (
                patch.object(tokens, "PATIENCE", 1),
                mute_logger("odoo.sql_db", tokens.__name__),
                self.assertRaises(RateLimited),
            ):
                self.current()
            self.assertLess(time.monotonic() - started, 5)
        self.assertTrue(self.current())

    def test_the_lock_of_who_is_no_more_is_given_back(self):
        with patch.object(tokens, "MOST", 1):
            with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.Error):
                with tokens._locked(self.registry, self.backend_id) as env:
                    time.sleep(1.5)
                    env.cr.execute("SELECT 1")
        self.assertTrue(self.current())

    def test_connection_is_lost_while_it_is_asked(self):
        """The database restarts: what was given is kept all the same."""

        def end_connections():
            with self.registry.cursor() as cr:
                cr.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks"
                    " WHERE relation = 'sync_token'::regclass"
                    "   AND pid != pg_backend_pid()"
                )

        self.token_server.on_token = end_connections
        with mute_logger("odoo.sql_db"):
            access = self.current()
        ((given, refresh),) = self.token_server.given
        self.assertEqual((access, self.refresh()), (given, refresh))
        self.token_server.on_token = lambda: None
        self.assertEqual(self.current(), access)

    def test_other_systems_do_not_wait(self):
        with self.transaction() as env:
            twin = env["sync.backend"].browse(self.backend_id).copy()
            twin.set_secret(tokens.CLIENT_SECRET, CLIENT_SECRET)
            twin.set_secret(tokens.REFRESH, self.token_server.begin())
            twin_id = twin.id
        try:
            with tokens._locked(self.registry, self.backend_id):
                self.assertTrue(tokens.current(self.registry, twin_id).access)
        finally:
            with self.transaction() as env:
                env["sync.backend"].browse(twin_id).unlink()


@tagged("post_install", "-at_install")
class TestTrouble(OAuthCase):
    def fails(self, reason=None):
        with self.assertRaises(Unreachable) as caught:
            self.current()
        if reason is not None:
            self.assertEqual(caught.exception.reason, reason)
        return caught.exception

    def test_ended_holds_the_system(self):
        """One record is enough to know it, and it uses no try."""
        self.token_server.revoke()
        self.new_partner()
        self.assertEqual(self.run_pending(), ["pending"])
        kind, reason = self.open_incident()
        self.assertEqual(kind, "outage")
        self.assertIn("connect again", reason)
        (uuid,) = self.asleep()
        self.assertEqual(self.job(uuid, "retry")["retry"], 0)
        self.assertEqual(self.sent(), [])
        # and others do not even ask
        self.new_partner()
        self.run_pending()
        self.assertEqual(len(self.token_server.renewals), 1)

    def test_ended_is_asked_once(self):
        self.token_server.revoke()
        for _each in range(3):
            self.fails(CONNECT)
            self.let_pass(3600)
        self.assertEqual(len(self.token_server.renewals), 1)

    def test_goes_on_when_it_is_connected_again(self):
        self.token_server.revoke()
        self.new_partner()
        self.run_pending()
        self.assertTrue(self.open_incident())
        self.change_backend(oauth_refresh_token=self.token_server.begin())
        self.assertFalse(self.open_incident())
        self.assertEqual(self.run_pending(), ["done"])

    def test_never_connected(self):
        self.change_backend(oauth_refresh_token=False)
        self.fails(CONNECT)
        self.assertEqual(self.token_server.asked, [])
        self.new_partner()
        self.run_pending()
        self.assertIn("press Connect", self.open_incident()[1])

    def test_reuse_is_found_out(self):
        """A copy that renews as well: both lose it, and a person is told."""
        first = self.refresh()
        self.current()
        with self.transaction() as env:
            secrets.keep(env, tokens.REFRESH, first, self.backend_id)
        self.let_pass(3600)
        self.fails(CONNECT)

    def test_copy_renews_nothing(self):
        """The original would lose its access."""
        access = self.current()
        self.be_a_copy()
        self.assertEqual(self.current(), access)
        self.let_pass(3600)
        self.assertIn("looks like a copy", self.fails().message)
        self.assertEqual(len(self.token_server.renewals), 1)
        self.be_the_original()
        self.let_pass(10)
        self.assertNotEqual(self.current(), access)

    def test_down_is_an_outage(self):
        self.change_backend(outage_threshold=2)
        self.token_server.scripted = [Answer(503)] * 9
        for _each in range(3):
            self.new_partner()
            self.run_pending()
            self.let_pass(10)
        kind, reason = self.open_incident()
        self.assertEqual(kind, "outage")
        self.assertIn("503", reason)

    def test_down_while_there_is_access(self):
        access = self.current()
        self.let_pass(3600 - 30)
        self.token_server.scripted = [Answer(503)] * 9
        self.assertEqual(self.current(), access)
        self.let_pass(31)
        self.fails()
        self.token_server.scripted = []
        self.let_pass(10)
        self.assertNotEqual(self.current(), access)

    def test_slow_server_is_not_waited_for_by_each(self):
        """Whoever has waited for the lock of who got nothing gets nothing at once."""
        self.token_server.scripted = [Answer(200, {}, delay=9)] * WORKERS
        started = time.monotonic()

        def work(_number):
            return self.fails().message

        with ThreadPoolExecutor(WORKERS) as pool:
            found = set(pool.map(work, range(WORKERS)))
        self.assertLess(time.monotonic() - started, 4)
        self.assertEqual(len(self.token_server.asked), 1)
        (message,) = found
        self.assertIn("within 2 s", message)

    def test_settings_have_it_renewed(self):
        self.current()
        for number, values in enumerate(
            (
                {"oauth_scope": "more"},
                {"oauth_client_secret": CLIENT_SECRET},
                {"oauth_client_auth": "body"},
            ),
            2,
        ):
            self.change_backend(**values)
            self.assertFalse(self.held().access)
            self.current()
            self.assertEqual(len(self.token_server.given), number)

    def test_disconnect(self):
        self.current()
        with self.transaction() as env:
            env["sync.backend"].browse(self.backend_id).action_disconnect()
        self.assertEqual((self.held().access, self.refresh()), ("", ""))
        self.assertEqual(self.fails(CONNECT).message, tokens.NOT_CONNECTED)

    def test_status(self):
        def status():
            with self.transaction() as env:
                backend = env["sync.backend"].browse(self.backend_id)
                return backend.oauth_status, backend.oauth_connected

        self.assertEqual(status(), ("Not asked for yet", True))
        self.current()
        text, connected = status()
        self.assertIn("Renewed at", text)
        self.token_server.revoke()
        self.let_pass(3600)
        self.fails()
        text, connected = status()
        self.assertIn("connect again", text)
        self.change_backend(oauth_refresh_token=False)
        self.assertEqual(status(), ("Not connected", False))


@tagged("post_install", "-at_install")
class TestNowhereElse(OAuthCase):
    """Tokens are in two tables that no model knows, and go with their system."""

    def used(self):
        """Deliver and fail; return all tokens that there were."""
        first = self.refresh()
        self.new_partner()
        self.run_pending()
        self.let_pass(3600)
        self.token_server.echoes = True
        self.new_partner()
        self.run_pending()
        self.let_pass(tokens.YOUNG)
        self.token_server.revoke()
        self.new_partner()
        self.run_pending()
        self.assertIn("connect again", self.open_incident()[1])
        return {first, *(each for pair in self.token_server.given for each in pair)}

    def test_logs_and_tables(self):
        with all_logs() as logs:
            found = self.used()
        self.assertTrue(logs)
        self.assertEqual(len(found), 5)
        for line in logs:
            for secret in (*found, CLIENT_SECRET):
                self.assertNotIn(secret, line)
        access, refresh = self.token_server.given[-1]
        places = {
            access: {"sync_token": "access"},
            refresh: {"sync_secret_value": "value"},
            CLIENT_SECRET: {"sync_secret_value": "value"},
        }
        with self.transaction() as env:
            for secret in (*found, CLIENT_SECRET):
                with self.subTest(secret):
                    expected = places.get(secret, {})
                    self.assertEqual(tables_with(env.cr, secret), expected)

    def test_echo_in_a_refusal_is_masked(self):
        self.used()
        found = self.read(
            "sync.delivery",
            [("stream_id", "=", self.stream_id)],
            ["response", "status"],
        )
        said = [each["response"] for each in found if each["status"] == "422"]
        self.assertEqual(said, ['{"message": "what is ***?"}'])

    def test_copied_without(self):
        self.current()
        with self.transaction() as env:
            twin = env["sync.backend"].browse(self.backend_id).copy()
            self.assertEqual(tokens.read(env.cr, twin.id), tokens.Held())
            self.assertEqual(twin._secret(tokens.REFRESH), "")
            self.assertEqual(twin.oauth_client_id, "odoo@example.com")
            twin.unlink()

    def test_deleted_with_its_system(self):
        with self.transaction() as env:
            twin = env["sync.backend"].browse(self.backend_id).copy()
            twin.set_secret(tokens.CLIENT_SECRET, CLIENT_SECRET)
            twin.set_secret(tokens.REFRESH, self.token_server.begin())
            twin_id = twin.id
        tokens.current(self.registry, twin_id)
        with self.transaction() as env:
            tokens.await_consent(env, twin_id, "session", "page")
            env["sync.backend"].browse(twin_id).unlink()
            env.flush_all()
            for table in tokens.TABLES:
                query = SQL(
                    "SELECT count(*) FROM %s WHERE backend_id = %s",
                    SQL.identifier(table),
                    twin_id,
                )
                self.assertEqual(env.execute_query(query), [(0,)])

    def test_neutralized(self):
        self.current()
        with self.transaction() as env:
            tokens.await_consent(env, self.backend_id, "session", "page")
            (query,) = get_neutralization_queries(["queue_job_sync"])
            env.cr.execute(query)
            env.invalidate_all()
            for table in (*tokens.TABLES, secrets.TABLE):
                env.cr.execute(SQL("SELECT count(*) FROM %s", SQL.identifier(table)))
                self.assertEqual(env.cr.fetchall(), [(0,)], table)
            backend = env["sync.backend"].browse(self.backend_id)
            self.assertNotIn("localhost", backend.oauth_token_url)
            self.assertNotIn("localhost", backend.oauth_authorize_url)
            env.cr.rollback()
