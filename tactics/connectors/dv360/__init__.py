"""Display & Video 360: campaign reports by day, into `ad_performance`."""

from tactics.connectors.dv360.connector import DV360Connector, connector
from tactics.connectors.dv360.query import DV360Options

__all__ = ["DV360Connector", "DV360Options", "connector"]
