"""The contract's types, area by area: what clients see. Where the values come from is said in `resolvers`."""
