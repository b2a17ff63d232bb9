"""Descriptions where they are read: a docstring under the class and a string under each field reach the schema (R245).

Every type, field, enum value and argument of the contract has a description; a test fails for one that has none.
"""

import ast
import inspect
import re
import sys
from enum import Enum
from functools import cache
from typing import Any, TypeVar

import strawberry

_RULES = re.compile(r"\s*\([RA]\d+b?(?:(?:,| to| and|;)?\s*[RA]\d+b?)*\)")

T = TypeVar("T", bound=type[Any])
E = TypeVar("E", bound=type[Enum])


def described(cls: T) -> T:
    """Give a Strawberry type or interface the docstrings of its source: the class's and each field's own."""
    definition = cls.__strawberry_definition__
    definition.description = definition.description or summary(cls)
    words = field_docs(cls)  # type: ignore[arg-type]  # a class is hashable
    for field in definition.fields:
        field.description = field.description or words.get(field.python_name)
    return cls


def enumerated(cls: E, *, more: str = "", name: str | None = None) -> E:
    """Make an enum part of the contract with its docstring, its members' own, and what `more` says.

    `name` where the contract calls it something else than the trade does.
    """
    words = field_docs(cls)
    made = strawberry.enum(cls, name=name, description="\n\n".join(part for part in (summary(cls), more) if part))
    for value in made.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = words.get(value.name) or value.name.capitalize().replace("_", " ") + "."
    return made


def summary(thing: object) -> str:
    """The docstring of a class or function as clients read it."""
    return for_clients(getattr(thing, "__doc__", None) or "")


def for_clients(doc: str) -> str:
    """A docstring without the numbers of rules: those are for the code's readers."""
    return _RULES.sub("", inspect.cleandoc(doc))


@cache
def field_docs(cls: type[Any]) -> dict[str, str]:
    """The string under each attribute of a class, also of its bases, by the attribute's name."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        found |= _docs_of_module(base.__module__).get(base.__qualname__, {})
    return found


@cache
def _docs_of_module(name: str) -> dict[str, dict[str, str]]:
    """The strings under attributes by class; each module is read once, and the libraries' not at all."""
    if name.partition(".")[0] not in {"domain", "schema", "resolvers", "tests"}:
        return {}
    tree = ast.parse(inspect.getsource(sys.modules[name]))
    return {one.name: _docs_in(one.body) for one in tree.body if isinstance(one, ast.ClassDef)}


def _docs_in(body: list[ast.stmt]) -> dict[str, str]:
    return {
        _name(line): for_clients(under.value.value)
        for line, under in zip(body, body[1:], strict=False)
        if _name(line)
        and isinstance(under, ast.Expr)
        and isinstance(under.value, ast.Constant)
        and isinstance(under.value.value, str)
    }


def _name(line: ast.stmt) -> str:
    match line:
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
            return name
    return ""
