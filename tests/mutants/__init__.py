"""Mutants: small wrong changes of the product, each of which a named test must notice."""
