"""Turn a network into the text of a Python file that needs torch alone.

`gather` follows names from the parts in use to all that they need, `layout` keeps lines short, `program` writes the
file, and `trial` runs it in a process of its own.
"""
