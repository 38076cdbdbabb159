"""Tests of tactics.metrics."""
