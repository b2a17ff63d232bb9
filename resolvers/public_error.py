"""A refusal where there is no payload to put it in: a GraphQL error with the code that clients branch on."""

from collections.abc import Iterator
from contextlib import contextmanager

from graphql import GraphQLError

from domain.errors import Refused
from resolvers.engine.shape import publish


@contextmanager
def as_public() -> Iterator[None]:
    """Turn a refusal inside the block into a GraphQL error with `extensions.code`."""
    try:
        yield
    except Refused as refusal:
        raise GraphQLError(refusal.message, original_error=publish(refusal)) from refusal
