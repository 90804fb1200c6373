# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the soak does when it is told to end, or told nonsense."""

import signal


def test_soak_ends_when_it_is_told_to(soak):
    process = soak("--seconds", "60", "--kills", "0")
    for line in process.stdout:
        if line.startswith("Installing the addon"):
            break
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode != 0


def test_soak_says_what_is_wrong_with_its_arguments(soak):
    process = soak("--editors", "4", "--contacts", "3")
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (2, "")
    assert "--contacts" in errors
