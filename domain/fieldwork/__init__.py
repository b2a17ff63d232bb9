"""What a clean must prove, as pure functions: phases, completeness, places, tracks, photos, the chain, reliability."""
