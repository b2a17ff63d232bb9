"""Pages that people see at the provider (onboarding, checkout, invoice, portal): HTML, registered by a decorator."""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.stripe import Json
from sandbox.stripe.store import Tx

DEFAULT_ADDRESS = "https://stripe.sandbox"


@dataclass(frozen=True)
class Visit:
    """One browser request to a page: path arguments, query and posted form."""

    args: dict[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """What the browser gets: a page, or (with `location`) a redirect."""

    status: int
    html: str = ""
    location: str | None = None


Page = Callable[[Any, Visit], Reply]
PAGES: list[tuple[str, re.Pattern[str], Page]] = []


def hosted(method: str, template: str) -> Callable[[Page], Page]:
    """Register `handler(sandbox, visit) -> Reply` for a page outside /v1, /v2 and /__sandbox."""
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))

    def register(handler: Page) -> Page:
        PAGES.append((method, pattern, handler))
        return handler

    return register


def answer(sandbox: Any, method: str, path: str, query: Mapping[str, str], form: Mapping[str, str]) -> Reply | None:
    """The page of a path, or None where there is none."""
    for known, pattern, handler in PAGES:
        if known == method and (found := pattern.fullmatch(path)):
            return handler(sandbox, Visit(found.groupdict(), query, form))
    return None


def link(tx: Tx, path: str) -> str:
    """The absolute address of a page of ours."""
    return f"{tx.settings.get('address') or DEFAULT_ADDRESS}{path}"


def redirect(location: str) -> Reply:
    """Send the browser on (with GET)."""
    return Reply(303, location=location)


def gone(title: str, text: str = "This link is not valid any more.") -> Reply:
    """A page of an object that cannot be used now."""
    return document(title, f"<p>{html.escape(text)}</p>", status=410)


def document(title: str, body: str, status: int = 200) -> Reply:
    """A whole page; `body` is HTML already escaped."""
    heading = html.escape(title)
    return Reply(
        status,
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{heading}</title></head>'
        f"<body><main><h1>{heading}</h1>{body}</main></body></html>",
    )


def choices(action: str, name: str, buttons: Mapping[str, str], hidden: Mapping[str, str] | None = None) -> str:
    """A form of buttons: each posts `name=value`; `buttons` maps values to what is read on them."""
    carried = "".join(
        f'<input type="hidden" name="{html.escape(key)}" value="{html.escape(value)}">'
        for key, value in (hidden or {}).items()
    )
    shown = "".join(
        f'<button type="submit" name="{html.escape(name)}" value="{html.escape(value)}">{html.escape(text)}</button> '
        for value, text in buttons.items()
    )
    return f'<form method="post" action="{html.escape(action)}">{carried}{shown}</form>'


def money(doc: Json, field: str) -> str:
    """An amount with its currency, as read on a page."""
    return f"{(doc.get(field) or 0) / 100:.2f} {str(doc.get('currency') or 'usd').upper()}"
