"""Google Ads: campaigns of Search, YouTube, Shopping, … by day, into `ad_performance`."""

from tactics.connectors.google_ads.connector import (
    GoogleAdsConnector,
    GoogleAdsOptions,
    connector,
)

__all__ = ["GoogleAdsConnector", "GoogleAdsOptions", "connector"]
