# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine import words
from ..transports.rest.lines import KINDS, needs_id
from ..transports.rest.requests import RequestLine, request_problem


class SyncRequest(models.Model):
    """A request of a synchronization, as a person types it.

    What it may be made of is told in ``transports/rest/requests.py``. It takes the
    place of the one that goes to the endpoint; of other kinds that one stays.
    """

    _name = "sync.request"
    _description = "Request"
    _order = "id"
    _rec_name = "line"

    stream_id = fields.Many2one(
        "sync.stream",
        "Synchronization",
        required=True,
        index=True,
        ondelete="cascade",
        help="What sends it.",
    )
    kind = fields.Selection(
        [
            ("find", "Find"),
            ("create", "Create"),
            ("update", "Update"),
            ("remove", "Remove"),
            ("read", "Read"),
            ("many_create", "Create Many"),
            ("many_update", "Update Many"),
        ],
        required=True,
        default="create",
        help="What it is for. Find looks for a record before it is created, Remove is "
        "sent when one is deleted or archived, Read shows one. Create Many and Update "
        "Many have a list of records.",
    )
    line = fields.Char(
        "Request",
        required=True,
        help="The method and the address below that of the system, such as "
        "PUT contacts/{id}.json or DELETE contacts/{id}?force=true. {id} stands for "
        "the ID in the system, {key} for Odoo's, {email} for what is sent as email.",
    )
    body = fields.Text(
        help='JSON, such as {"data": ["{record}"]}. "{record}" stands for all that is '
        'sent, "{id}", "{key}" and "{email}" for one value. Empty: the record as it is.'
    )

    _kind_uniq = models.UniqueIndex(
        "(stream_id, kind)", "A synchronization has one request of each kind."
    )

    # -- checks ---------------------------------------------------------------

    @api.constrains("kind", "line", "body", "stream_id")
    def _check_lines(self):
        """Raise what is wrong with these requests, whatever the fields are."""
        for request in self:
            problem = request_problem(
                KINDS[request.kind], request.line, request.body or "", request._format()
            )
            if problem:
                raise ValidationError(
                    request.env._(
                        "%(kind)s: %(problem)s",
                        kind=request._kind_label(request.kind),
                        problem=words.said(request.env, problem),
                    )
                )

    def _lacks(self):
        """Yield why these cannot be sent, although a draft may have them."""
        for request in self:
            stream = request.stream_id
            parsed = RequestLine.parse(
                KINDS[request.kind], request.line, request.body or "", request._format()
            )
            if stream.id_policy == "none" and needs_id(parsed):
                yield self.env._(
                    "%(kind)s: {id} is not known where there is no ID. Use {key}.",
                    kind=self._kind_label(request.kind),
                )
            # where its model makes the content itself, nobody knows the names
            if stream._sends_mapping_alone():
                known = {*stream.mapping_ids.mapped("target"), *stream._own_names()}
                for name in parsed.unknown_names(known):
                    yield self.env._(
                        "%(kind)s: %(name)s is in no field of this synchronization.",
                        kind=self._kind_label(request.kind),
                        name=name,
                    )

    def _format(self):
        """Return how its body is written, as in ``transports/rest/requests.py``."""
        return self.stream_id.backend_id.body_format or "json"

    @api.model
    def _kind_label(self, kind):
        """Return what people call a kind of request."""
        return dict(self._fields["kind"]._description_selection(self.env))[kind]

    # -- writing --------------------------------------------------------------

    # What jobs know of them is kept in memory.

    @api.model_create_multi
    def create(self, vals_list):
        requests = super().create(vals_list)
        self._changed(requests.stream_id)
        return requests

    def write(self, vals):
        streams = self.stream_id
        res = super().write(vals)
        self._changed(streams | self.stream_id)
        return res

    def unlink(self):
        streams = self.stream_id
        res = super().unlink()
        self._changed(streams)
        return res

    def _changed(self, streams):
        self.env.registry.clear_cache()
        self.env["sync.incident"]._settings_changed(streams)
        streams._check_live_later()
