"""Search spaces: what may vary, read from a file, walked, and matched with given networks."""
