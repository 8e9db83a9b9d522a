"""Make `python -m nas` the same as `nas`."""

from nas.cli import main

main()
