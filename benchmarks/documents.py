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

LIVE_MARKET = """subscription { swapMarket { __typename
  ... on SwapMarketSnapshot { cursor swaps { ...card } }
  ... on SwapListed { cursor previous swap { ...card } }
  ... on SwapGone { cursor previous swapId }
  ... on SwapHandedOver { cursor previous swapId jobId viewerRole }
  ... on Heartbeat { cursor } ... on Resync { reason } } }
fragment card on SwapCard {
  id status note ownerName marketName startsAt endsAt expectedHours city bedrooms expiresAt }"""

ACCEPT = """mutation ($id: ID!) { acceptSwap(input: {swapId: $id}) {
  swap { id status taker { id name } } errors { code message field } } }"""

OFFER = """mutation ($id: ID!) { offerSwap(input: {assignmentId: $id}) {
  swap { id status } errors { code message field } } }"""

TAKEABLE = """query { swaps(first: 20, filter: {canTake: true}, orderBy: EXPIRES_AT_ASC) {
  nodes { id owner { id } } } }"""
