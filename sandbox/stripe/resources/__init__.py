"""One file a resource; importing them registers their routes."""

import importlib
import pkgutil


def load() -> None:
    """Import every resource of this folder, so that its decorators have run."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
