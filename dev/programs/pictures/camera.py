# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Takes pictures of pages of Odoo."""

import io
import json

from PIL import Image

from support.browser import SCREEN, Browser

COLORS = 256
# As the button does that opens it, but with a record that is there already.
DIALOG = """void odoo.__WOWL_DEBUG__.root.env.services.action.doAction({{
    type: "ir.actions.act_window",
    res_model: {model},
    res_id: {id},
    views: [[false, "form"]],
    target: "new",
    name: "Preview",
}})"""


class Camera(Browser):
    """A browser, see :class:`support.browser.Browser`, that takes pictures."""

    def picture(self, address, clicks, visible, size=SCREEN, dialog=""):
        """Take a picture of a page.

        :param address: of the page, from the root of the server, or of a file
        :param clicks: CSS selectors of what to click there, one after the other
        :param size: width and height in pixels; as narrow as a phone makes it one
        :param visible: CSS selector of what must be visible
        :param dialog: model and id, with a slash between, of what to open as a dialog
        :return: PNG data
        :raises PageError: when it does not show up
        """
        self.show(address, size)
        for click in clicks:
            self.wait_for(click)
            self.evaluate(f"document.querySelector({json.dumps(click)}).click()")
        if dialog:
            self.wait_for(".o_form_view")
            model, _slash, record_id = dialog.partition("/")
            self.evaluate(DIALOG.format(model=json.dumps(model), id=int(record_id)))
        self.wait_for(visible)
        return self.still()


def save_small(picture, path):
    """Save a picture with few colours: a third of the size, and nobody sees it.

    :param picture: PNG data
    :param path: of the file
    """
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(COLORS, dither=Image.Dither.NONE).save(path, optimize=True)
