"""The swap market's moves (R94 to R103, A22, A26 to A29).

Whoever changes a swap's status from PENDING first has won: each move is one conditional UPDATE, and the rule beside it
only explains. The shift, the event, the audit line and the notifications are in the same transaction, or nothing is.
Rows are locked in the order job, cleaners, swap, assignment.
"""

from services.swaps.approval import ApproveSwap, DeclineSwap, approve_swap, decline_swap
from services.swaps.bids import PlaceStandingBid, WithdrawStandingBid, place_standing_bid, withdraw_standing_bid
from services.swaps.covers import CoverSickCall, OpenCover, cover_sick_call, open_cover
from services.swaps.draws import DrawSwap, FindOverdueDraws, draw_swap, find_overdue_draws
from services.swaps.expiry import SWEEP, ExpireDueSwaps, ExpireSwap, expire_due_swaps, expire_swap
from services.swaps.offers import OfferSwap, WithdrawSwap, offer_swap, withdraw_swap
from services.swaps.taking import AcceptSwap, ReturnSwap, accept_swap, return_swap

__all__ = [
    "SWEEP",
    "AcceptSwap",
    "ApproveSwap",
    "CoverSickCall",
    "DeclineSwap",
    "DrawSwap",
    "ExpireDueSwaps",
    "ExpireSwap",
    "FindOverdueDraws",
    "OfferSwap",
    "OpenCover",
    "PlaceStandingBid",
    "ReturnSwap",
    "WithdrawStandingBid",
    "WithdrawSwap",
    "accept_swap",
    "approve_swap",
    "cover_sick_call",
    "decline_swap",
    "draw_swap",
    "expire_due_swaps",
    "expire_swap",
    "find_overdue_draws",
    "offer_swap",
    "open_cover",
    "place_standing_bid",
    "return_swap",
    "withdraw_standing_bid",
    "withdraw_swap",
]
