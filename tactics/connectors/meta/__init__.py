"""Meta Ads: insights by day, of campaigns (`ad_performance`) and of accounts (`ad_account_totals`)."""

from tactics.connectors.meta.connector import MetaConnector, MetaOptions, connector

__all__ = ["MetaConnector", "MetaOptions", "connector"]
