"""Which function does which kind of task: the one table to add a line to."""

from collections.abc import Mapping

from tasks import arrivals, availability, evidence, notifications, onboarding, photos, reliability, swaps, upkeep
from tasks.context import TaskFunction

KINDS: Mapping[str, TaskFunction] = {
    "announce_window": availability.announce,
    "notify_window": availability.notify,
    "remind_of_deadline": availability.remind,
    "expire_swap": swaps.expire,
    "sweep_swaps": swaps.sweep,
    "draw_swap": swaps.draw,
    "notify_swap": swaps.notify,
    "deliver_notification": notifications.deliver,
    "send_mailed_link": notifications.mail_link,
    "notify_pin_set": notifications.tell_pin_set,
    "notify_evidence": evidence.notify_missing,
    "notify_no_access": evidence.alert_no_access,
    "open_payout_account": onboarding.open_account,
    "refresh_payout_account": onboarding.refresh_account,
    "inspect_photo": photos.inspect,
    "sweep_photos": photos.sweep,
    "watch_arrivals": arrivals.watch,
    "notify_absence": arrivals.tell_absence,
    "notify_access_code": arrivals.tell_access_code,
    "scrub_positions": arrivals.scrub,
    "rate_cleaner": reliability.rate,
    "rate_cleaners": reliability.rate_market,
    "prune_log": upkeep.prune,
}
