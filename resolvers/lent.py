"""What a process lends to the functions that compute fields: how it signs addresses. A parameter `lent` asks for it."""

from dataclasses import dataclass

from gateways.links import Links


@dataclass(frozen=True, slots=True)
class Lent:
    """Everything that is lent; the printed schema needs none of it."""

    links: Links
