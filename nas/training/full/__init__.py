"""Training a chosen network to the end."""
