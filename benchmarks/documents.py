"""The operations that the benchmarks send."""

_SWAP = """id status note openedAt expiresAt
    job { id startsAt endsAt expectedHours isUrgent property { id city bedrooms bathrooms } }
    owner { id name }"""

FEED = f"""query Market($first: Int!) {{
  swaps(first: $first, filter: {{status: [PENDING]}}, orderBy: EXPIRES_AT_ASC) {{ nodes {{ {_SWAP} }} }}
}}"""
"""A screen of the swap market: fifteen fields a row."""

PERSONAL_FEED = f"""query Market($first: Int!) {{
  swaps(first: $first, filter: {{status: [PENDING]}}, orderBy: EXPIRES_AT_ASC) {{ nodes {{
    {_SWAP} viewerCanTake {{ ok reasons {{ code message }} }} }} }}
}}"""
"""The same with every reason why the acting cleaner cannot take a shift."""

_MARKET = """{ swapMarket%(after)s { __typename
  ... on SwapMarketSnapshot { cursor swaps { ...card } }
  ... on SwapListed { cursor previous swap { ...card } }
  ... on SwapGone { cursor previous swapId }
  ... on SwapHandedOver { cursor previous swapId jobId viewerRole }
  ... on Heartbeat { cursor } ... on Resync { reason } } }
fragment card on SwapCard {
  id status note ownerName marketName startsAt endsAt expectedHours city bedrooms expiresAt %(personal)s }"""
_REASONS = "viewerCanTake { ok reasons { code message } }"

LIVE_MARKET = "subscription " + _MARKET % {"after": "", "personal": ""}
"""The market live, the same for everybody who sees it."""

RESUMED_MARKET = "subscription ($after: Cursor) " + _MARKET % {"after": "(after: $after)", "personal": ""}
"""The same from a place on."""

PERSONAL_MARKET = "subscription " + _MARKET % {"after": "", "personal": _REASONS}
"""The same with every reason why the listener cannot take a shift."""

ACCEPT = """mutation ($id: ID!) { acceptSwap(input: {swapId: $id}) {
  swap { id status taker { id name } } errors { code message field } } }"""

OFFER = """mutation ($id: ID!) { offerSwap(input: {assignmentId: $id}) {
  swap { id status } errors { code message field } } }"""

TAKEABLE = """query { swaps(first: 20, filter: {canTake: true}, orderBy: EXPIRES_AT_ASC) {
  nodes { id owner { id } } } }"""
