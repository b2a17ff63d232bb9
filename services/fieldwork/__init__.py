"""The work on the spot and its proof: from reading the instructions to a proven clean (R104 to R129)."""
