# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from .incident_case import IncidentCase
from .servers import Answer, HttpDestination

WRITES = ("POST", "PUT", "PATCH", "DELETE")


class RefusingDestination(HttpDestination):
    """A REST API that refuses what a function says."""

    def __init__(self):
        super().__init__()
        # of a request; the status, and what is said, if it is refused
        self.refuses = lambda request: None

    def _obey(self, request):
        refusal = self.refuses(request)
        if refusal:
            return Answer(refusal, {"message": f"no ({refusal})"})
        return super()._obey(request)


def named(*names, status=403):
    """Return a function that refuses the records of these names."""

    def refuses(request):
        return status if request.json and request.json["name"] in names else None

    return refuses


def everything(status):
    """Return a function that refuses all requests that write."""
    return lambda request: status if request.method in WRITES else None


class BlameCase(IncidentCase):
    """A system that refuses some records, or all, and what is concluded from that."""

    destination_class = RefusingDestination
    threshold = 5

    def setUp(self):
        super().setUp()
        self.change_backend(outage_threshold=self.threshold)

    def refuse(self, refuses):
        self.destination.refuses = refuses

    def stop_refusing(self):
        self.destination.refuses = lambda request: None

    def new_jobs(self, *names):
        """Commit contacts one by one; return the UUIDs of their jobs."""
        return [self.new_job(name=name) for name in names]

    def run_each(self, uuids):
        return [self.run_job(uuid) for uuid in uuids]

    def run_until_idle(self, rounds=40):
        """Run who is awake, one after the other, until nobody is."""
        for _round in range(rounds):
            uuids = self.ready()
            if not uuids:
                return
            self.run_job(uuids[0])
        self.fail("the jobs never end")

    def states(self, uuids):
        return [self.job(uuid, "state")["state"] for uuid in uuids]

    def held(self):
        """Return the only open incident of the synchronization."""
        mine = [("stream_id", "=", self.stream_id), ("closed", "=", False)]
        (incident,) = self.read("sync.incident", mine, [])
        return incident

    def assertGoesOn(self):
        """The synchronization is not held, and its system not paused."""
        mine = [("backend_id", "=", self.backend_id), ("closed", "=", False)]
        self.assertFalse(self.read("sync.incident", mine, ["kind", "reason"]))

    def assertHeld(self, uuid, retry=0):
        """The job waits until its synchronization is mended."""
        self.assertAsleep(uuid, retry, f"stream:{self.stream_id}")

    def edit_mapping(self):
        """Save a field of the synchronization, as who mends it does."""
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            stream.mapping_ids[0].default_value = "mended"

    def names_there(self):
        return sorted(each["name"] for each in self.destination.records.values())
