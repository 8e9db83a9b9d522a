"""Tasks that networks learn, one a file."""
