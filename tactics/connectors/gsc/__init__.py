"""Google Search Console: searches by day (`search_performance`), sitemaps, and the state of chosen pages."""

from tactics.connectors.gsc.connector import GscConnector, connector
from tactics.connectors.gsc.options import GscOptions

__all__ = ["GscConnector", "GscOptions", "connector"]
