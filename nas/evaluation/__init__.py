"""One proposed architecture -> a measured outcome."""
