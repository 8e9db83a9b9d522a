"""Search spaces, read from files, walked, and matched with given networks."""
