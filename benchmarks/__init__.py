"""What the API costs, beside the usual way of building the same: `python -m benchmarks`."""
