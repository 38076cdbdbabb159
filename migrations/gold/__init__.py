"""DuckDB migrations of the gold generations, in order of their number; forward only."""
