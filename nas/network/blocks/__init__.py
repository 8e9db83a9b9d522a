"""What stages are made of: one published block a file."""
