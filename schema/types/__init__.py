"""The contract's types, area by area: what clients see. Where the values come from is said in `resolvers`."""

# Before any type names an enum: what Strawberry meets undescribed stays so.
from schema.types import enums

__all__ = ["enums"]
