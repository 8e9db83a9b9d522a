"""Where trials run: one executor a file."""
