"""What networks are shipped to: one target a file, each a way of running a network that can be timed."""
