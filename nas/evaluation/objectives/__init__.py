"""What is weighed against what: one objective a file."""
