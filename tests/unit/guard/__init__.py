"""Tests of tactics.guard."""
