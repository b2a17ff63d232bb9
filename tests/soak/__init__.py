"""Faults over real processes: what every follower saw, compared with what the database says happened.

`make soak ARGS="--minutes 10"` runs them for as long as asked, `test_soak_faults.py` each of them once.
"""
