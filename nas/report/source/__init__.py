"""Turn a network into the text of a Python file that needs torch alone.

`gather` follows names from the parts in use to all that they need, with the help of `modules`, `scopes` and `fold`;
`names` writes it under names that do not clash, and `layout` keeps its lines short; `program` puts the file together.
`trial` runs it in a process of its own.
"""
