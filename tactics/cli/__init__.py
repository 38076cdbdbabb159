"""The `tactics` command: one file per noun. Decides nothing about data."""

from tactics.cli.app import main

__all__ = ["main"]
