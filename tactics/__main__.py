"""`python -m tactics` is the `tactics` command."""

from tactics.cli import main

if __name__ == "__main__":
    main()
