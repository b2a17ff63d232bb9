"""Where each field's value comes from, and the line that exposes each command: one file an area."""
