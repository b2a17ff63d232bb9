"""The catalogue: where its fields come from, and its mutations."""

from models import service
from resolvers.common import is_set
from resolvers.expose import expose
from resolvers.registry import registry
from schema.types.booking import Service
from schema.types.filters import ServiceFilter
from services import booking as commands

registry.sources(Service, service)
registry.filters(ServiceFilter, is_archived=is_set("archived_at"))

MUTATIONS = {
    "create_service": expose(commands.create_service, Service),
    "update_service": expose(commands.update_service, Service),
    "archive_service": expose(commands.archive_service, Service),
}
