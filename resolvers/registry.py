"""The one object that holds every declaration of where values come from; the areas' modules add to it."""

from resolvers.engine.sources import Registry

registry = Registry()
