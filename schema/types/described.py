"""Descriptions where they are read: a docstring under the class and a string under each field reach the schema.

Every type, field, enum value and argument of the contract has a description; a test fails for one that has none.
"""

import ast
import inspect
import re
import textwrap
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


def enumerated(cls: E, *, more: str = "") -> E:
    """Make an enum part of the contract with its docstring, its members' own, and what `more` says."""
    words = field_docs(cls)
    made = strawberry.enum(cls, description="\n\n".join(part for part in (summary(cls), more) if part))
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
        if base.__module__ != "builtins" and not base.__module__.startswith(("typing", "enum", "abc")):
            found |= _docs_in(base)
    return found


def _docs_in(cls: type[Any]) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError):
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
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
