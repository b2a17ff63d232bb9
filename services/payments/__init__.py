"""What customers pay: one transaction each, no network; the calls in between are in `tasks/payments.py`."""
