# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Load the models in another order: run as a program by ``test_house.py``.

It reads ``{"paths": .., "modules": .., "addon": .., "seed": ..}`` as JSON, where paths
and modules are those of the server, and writes what :func:`origins` returns.
"""

import json
import random
import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.util import spec_from_loader
from pathlib import Path

ROOMS = ("models", "wizards")


def origins(registry, addon):
    """Return which classes of an addon define what of the models, in their order.

    :param registry: model classes by name
    :return: dict ``{model: {attribute: classes, the one that counts first}}``
    """
    found = {}
    for name, model in registry.items():
        attributes = {}
        for each in model.__mro__:
            if "pool" not in vars(each) and getattr(each, "_module", None) == addon:
                place = f"{each.__module__}.{each.__qualname__}"
                for attribute in vars(each):
                    attributes.setdefault(attribute, []).append(place)
        if attributes:
            found[name] = attributes
    return found


class OtherOrder(MetaPathFinder, Loader):
    """Imports the files of some packages in another order than they say."""

    def __init__(self, addon, seed):
        self._packages = {f"odoo.addons.{addon}.{room}" for room in ROOMS}
        self._random = random.Random(seed)
        self.orders = {}

    def find_spec(self, fullname, path, target=None):
        if fullname not in self._packages:
            return None
        folder = Path(list(path)[0]) / fullname.rpartition(".")[2]
        names = sorted(each.stem for each in folder.glob("[a-z]*.py"))
        self._random.shuffle(names)
        self.orders[fullname] = names
        spec = spec_from_loader(fullname, self, is_package=True)
        spec.submodule_search_locations = [str(folder)]
        return spec

    def exec_module(self, module):
        for name in self.orders[module.__name__]:
            import_module(f"{module.__name__}.{name}")


def main():
    given = json.load(sys.stdin)
    from odoo.orm import model_classes, models
    from odoo.orm.registry import Registry

    import odoo.addons

    class Built(dict):
        descendants = Registry.descendants

    for path in given["paths"]:
        if path not in odoo.addons.__path__:
            odoo.addons.__path__.append(path)
    sys.meta_path.insert(0, OtherOrder(given["addon"], given["seed"]))
    built = Built()
    for module in given["modules"]:
        import_module(f"odoo.addons.{module}")
        for definition in models.MetaModel._module_to_models__[module]:
            model_classes.add_to_registry(built, definition)
    for model in built.values():
        # as Odoo does once all are there
        model.__bases__ = model._base_classes__
    json.dump(origins(built, given["addon"]), sys.stdout)


if __name__ == "__main__":
    main()
