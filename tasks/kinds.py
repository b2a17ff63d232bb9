"""Which function does which kind of task: the one table to add a line to."""

from collections.abc import Mapping

from tasks import availability, notifications, swaps, upkeep
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
    "prune_log": upkeep.prune,
}
