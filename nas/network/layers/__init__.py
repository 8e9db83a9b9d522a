"""Layers that several blocks, stems or heads share."""
