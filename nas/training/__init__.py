"""Training a network on a task."""
