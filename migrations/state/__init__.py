"""Migrations of tactics.db, in order; never edited after a release."""
