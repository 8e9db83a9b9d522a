"""Make `python -m nas.cli` the same as `nas`."""

from nas.cli import main

main()
