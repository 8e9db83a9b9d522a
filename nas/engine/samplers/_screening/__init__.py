"""Screening: thousands of candidates are weighed by what is known of them and by models of what is not."""
