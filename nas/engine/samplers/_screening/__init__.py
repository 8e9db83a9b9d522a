"""Screening: weigh thousands of candidates by their known costs and by models of the rest."""
