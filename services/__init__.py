"""The use cases: one transaction each, no network, no GraphQL."""
