# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How a change gets to its destination: plain Python over an environment.

In the order in which an edit passes through: ``capture`` notes it and inserts what is
owed, ``jobs`` makes the job, ``run`` is what it does, in one of the ``places`` of its
system, ``gate`` says when it may go, ``waiting`` who wakes it, ``delivery`` sends a
chunk, with ``precedence`` (what has to be there before) and ``task`` (a record against
what is there). ``store`` holds the statements, ``secrets`` the credentials, ``clock``
the time that all nodes agree on, ``standing`` answers those who look on, ``health``
tells whether jobs run at all, and ``words`` says it to people. None of these imports
``models/``, which calls them.
"""
