"""The database edge: the one transaction runner, the stamp, the log and task writers."""
