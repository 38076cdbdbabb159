"""Klaviyo: e-mail campaigns, flows, audience sizes and attributed revenue."""

from tactics.connectors.klaviyo.connector import KlaviyoConnector, connector
from tactics.connectors.klaviyo.options import KlaviyoOptions

__all__ = ["KlaviyoConnector", "KlaviyoOptions", "connector"]
