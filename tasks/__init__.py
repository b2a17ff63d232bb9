"""What happens later or over the network: the task store, the worker's loop, duties by the clock, the tasks."""
