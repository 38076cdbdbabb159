"""Google Analytics 4: sessions, users, key events and revenue by day and traffic source."""

from tactics.connectors.ga4.connector import (
    GoogleAnalyticsConnector,
    GoogleAnalyticsOptions,
    connector,
)

__all__ = ["GoogleAnalyticsConnector", "GoogleAnalyticsOptions", "connector"]
