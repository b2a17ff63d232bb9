"""What the pages of `web/` ask the server for."""

import re

from tests.docs.rules import ROOT

BESIDE_GRAPHQL = {"/board", "/demo.json", "/demo/card", "/demo/customer", "/healthz", "/readyz"}
"""Pages, the demo's logins in development, and health: no business."""
SVG = "http://www.w3.org/2000/svg"
"""A name and no address."""


def test_the_pages_reach_the_business_by_graphql_only():
    """R254: no address of another kind is in them, and none of another server."""
    code = "\n".join(path.read_text() for path in sorted(ROOT.glob("web/*.js")))

    own = {found for found in re.findall(r"[\"'`](/[^\"'`\s]*)", code) if not found.startswith("/web/")}

    assert "/graphql" in own
    assert own - {"/graphql"} <= BESIDE_GRAPHQL
    assert set(re.findall(r"(?:https?|wss?)://[\w./]+", code)) <= {SVG}
