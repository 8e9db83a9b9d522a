"""A finished search as pictures, a page and files."""
