"""Which pages people may be sent back to from a bank's (R46, A36)."""

import pytest

from app.container import return_pages
from app.settings import Settings
from domain.errors import Invalid
from domain.return_pages import ReturnPages

OURS = ReturnPages.of(["https://clean.example/app", "http://10.0.0.7:8080"])


@pytest.mark.parametrize(
    "url",
    ["https://clean.example/", "https://CLEAN.example:443/book?x=1#y", "http://10.0.0.7:8080/billing"],
)
def test_pages_of_the_same_origin_are_ours(url: str) -> None:
    OURS.ensure(url, "returnUrl")


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "http://clean.example/",
        "https://clean.example:8443/",
        "https://clean.example.evil.example/",
        "https://clean.example@evil.example/",
        "https://evil.example\\@clean.example/",
        "https://clean.example\\.evil.example/",
        "http://10.0.0.7:99999/",
        "http://127.0.0.1:8000/",
        "//clean.example/",
        "javascript:alert(1)",
        "",
    ],
)
def test_any_other_page_is_refused_by_its_field(url: str) -> None:
    with pytest.raises(Invalid) as refusal:
        OURS.ensure(url, "returnUrl")
    assert refusal.value.field == ("returnUrl",)


@pytest.mark.parametrize("url", ["http://127.0.0.1:5173/book", "http://localhost/", "http://[::1]:3000/"])
def test_the_machine_itself_is_open_in_development_alone(url: str) -> None:
    return_pages(Settings(environment="development")).ensure(url, "returnUrl")
    with pytest.raises(Invalid):
        return_pages(Settings(environment="production", public_url="https://clean.example")).ensure(url, "returnUrl")


def test_the_installation_names_its_own_pages_and_those_that_it_knows() -> None:
    named = Settings(
        environment="production",
        public_url="https://clean.example",
        allowed_origins=("https://app.example",),
        return_origins=("https://portal.example",),
    )
    for origin in ("clean", "app", "portal"):
        return_pages(named).ensure(f"https://{origin}.example/x", "returnUrl")
    with pytest.raises(Invalid):
        return_pages(named).ensure("https://other.example/x", "returnUrl")
