"""Google Search Console: clicks, impressions and positions in Google Search, into `search_performance`."""

from tactics.connectors.gsc.connector import GscConnector, GscOptions, connector

__all__ = ["GscConnector", "GscOptions", "connector"]
