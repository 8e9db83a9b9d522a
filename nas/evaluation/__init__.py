"""Evaluation: from a proposed architecture to a measured outcome."""
