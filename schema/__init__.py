"""The contract that clients see: types, inputs, errors, and the root that puts them together."""
