"""Benchmarks: our work beside a peer's or a floor's, in turn, in the same run."""
