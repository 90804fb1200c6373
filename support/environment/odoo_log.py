# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a test run of Odoo says in its log, told test by test and counted."""

import re
import time

RECORD = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \d+ "
    r"(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL) \S+ (?P<logger>\S+): (?P<text>.*)",
    re.DOTALL,
)
STARTING = re.compile(r"Starting (\w[\w.]*\.\w+) \.\.\.")
FAILURE = re.compile(r"(?:FAIL|ERROR): (?:Subtest )?(\S+)")
SKIPPED = re.compile(r"skipped (\S+) : (.*)", re.DOTALL)
REPORT = re.compile(
    r"(\d+) failed, (\d+) error\(s\) of (\d+) tests when loading database"
)
# Said again at the end of what was counted before.
SUMMARY = re.compile(
    r"Module \S+: \d+ failures, \d+ errors of \d+ tests"
    r"|At least one test failed when loading the modules"
)
BROWSER = re.compile("chrom", re.IGNORECASE)


class OdooLog:
    """Reads the log of one run, line by line; tells each test as it ends.

    A test counts once however many of its subtests fail; a class that cannot be set
    up counts as one failed test, and so does each error in the log that no test
    expected.
    """

    def __init__(self, out=print):
        self.out = out
        self.tests = {}
        self.failed = set()
        self.skipped = set()
        self.warnings = 0
        self.reported = None
        self._current = None
        self._record = []

    def feed(self, line):
        """Take one line of the log; a line without a date continues the last one."""
        if RECORD.match(line):
            self._end_record()
            self._record = [line]
        else:
            self._record.append(line)
        # The start of a test is told at once: it may take long.
        match = RECORD.match(line)
        if match and STARTING.match(match["text"]):
            self._end_record()

    def end(self, status):
        """The log is over.

        :param status: the exit status of Odoo
        """
        self._end_record()
        self._end_test()
        if self.reported is None:
            self._problem(f"Odoo ended before the tests did (exit status {status})")
        elif not self.tests:
            self._problem("no test ran")
        elif self.reported[2] != len(self.tests):
            self._problem(
                f"{len(self.tests)} tests were seen to start but {self.reported[2]} ran"
            )
        elif (status or self.reported[0] + self.reported[1]) and not self.failed:
            self._problem(f"Odoo's log shows no failure, its exit status is {status}")

    def count(self):
        """(passed, failed, skipped)"""
        started = set(self.tests)
        passed = started - self.failed - self.skipped
        return len(passed), len(self.failed), len(self.skipped - self.failed)

    def _end_record(self):
        text, self._record = "".join(self._record), []
        record = RECORD.match(text)
        if not record:
            if text.strip():
                self.out(text.rstrip())
            return
        level, logger, said = record["level"], record["logger"], record["text"].rstrip()
        module = logger.removeprefix("odoo.addons.").replace(".tests.", ".")
        if report := REPORT.match(said):
            self.reported = tuple(map(int, report.groups()))
        elif started := STARTING.match(said):
            self._end_test()
            self._current = f"{module}.{started[1]}"
            self.tests[self._current] = time.monotonic()
        elif skipped := SKIPPED.match(said):
            self._skip(f"{module}.{skipped[1]}", skipped[2])
        elif level in ("ERROR", "CRITICAL") and not SUMMARY.match(said):
            self._error(logger, module, said)
        elif level == "WARNING":
            self.warnings += 1
            self.out(f"  warning: {logger}: {said}")

    def _error(self, logger, module, said):
        failure = FAILURE.match(said)
        if failure:
            name = f"{module}.{failure[1]}"
            # "setUpClass (odoo.addons...)" is the failure of a whole class.
            self.failed.add(name if name in self.tests else f"{module} {said[:200]}")
            self.out(said)
        elif self._current:
            self.failed.add(self._current)
            self.out(f"  error in the log ({logger}): {said}")
        else:
            self._problem(f"error in the log ({logger}): {said}")

    def _skip(self, name, reason):
        self.skipped.add(name)
        if BROWSER.search(reason):
            # There is a browser; a tour that could not use it was not tested.
            self.failed.add(name)
        self.out(f"  skip {name}: {reason}")

    def _problem(self, text):
        self.failed.add(text)
        self.out(f"  FAIL {text}")

    def _end_test(self):
        name, self._current = self._current, None
        if name and name not in self.skipped:
            word = "FAIL" if name in self.failed else "ok  "
            seconds = time.monotonic() - self.tests[name]
            self.out(f"  {word} {name} ({seconds:.1f} s)")
