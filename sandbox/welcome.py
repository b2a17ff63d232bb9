"""What `make run` prints: addresses, logins, and something to paste."""

from app.settings import Settings
from sandbox.demo import Demo

QUERY = (
    "{ viewer { role tenant { name } }"
    " swaps(first: 5) { nodes { id status expiresAt job { startsAt property { city } } } } }"
)
SUBSCRIPTION = (
    "subscription { swapMarket { __typename ... on SwapMarketSnapshot { cursor swaps { id city startsAt } }"
    " ... on SwapListed { cursor swap { id city } } ... on SwapGone { cursor swapId } ... on Heartbeat { cursor } } }"
)


def welcome(settings: Settings, demo: Demo) -> str:
    """The text, addresses first."""
    base = f"http://{settings.host}:{settings.port}"
    live = base.replace("http", "ws", 1)
    here = f"DATA={settings.data} " if settings.data.as_posix() != ".data" else ""
    lines = [
        "",
        "  Cleanshift is running.",
        "",
        f"  API          {base}/graphql   (in a browser: GraphiQL)",
        f"  Live feeds   {live}/graphql   (graphql-transport-ws)",
        f"  Swap board   {base}/board",
        f"  Pages        {base}/work (cleaners)  {base}/office  {base}/proof (customers)",
        f"  Money        {base}/money (office)  {base}/earnings (cleaners)  {base}/book  {base}/billing (customers)",
        f"  Health       {base}/healthz  {base}/readyz",
        f"  Payments     {settings.stripe_url or 'the provider itself'}   (a sandbox: its own pages, nothing real)",
        f"  Messages     {settings.data / 'outbox.jsonl'}",
        f"  Redis        {'yes' if settings.redis_url else 'none: everything works, by polling'}",
        "",
        *(f"  {line}" for line in demo.lines()),
        "",
        "  A first query:",
        f"    TOKEN=$({here}.venv/bin/python main.py token --tenant demo --role cleaner)",
        f"    curl -s {base}/graphql -H \"authorization: Bearer $TOKEN\" -H 'content-type: application/json' \\",
        f'      -d \'{{"query": "{QUERY}"}}\'',
        "",
        "  A first subscription (paste into GraphiQL with the header authorization, or use any graphql-ws client;",
        '  connection_init carries {"authorization": "Bearer <token>"}):',
        f"    {SUBSCRIPTION}",
        "",
        "  Ctrl-C stops everything and keeps the data.",
        "",
    ]
    return "\n".join(lines)
