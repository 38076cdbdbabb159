"""Meta Ads: campaign insights by day, into `ad_performance`."""

from tactics.connectors.meta.connector import MetaConnector, MetaOptions, connector

__all__ = ["MetaConnector", "MetaOptions", "connector"]
