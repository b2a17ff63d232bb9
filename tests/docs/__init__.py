"""The documents, held against the code that they speak of."""
