"""Stripe: balance transactions (charges, refunds, disputes, fees, payouts), into `transactions`."""

from tactics.connectors.stripe.connector import StripeConnector, StripeOptions, connector

__all__ = ["StripeConnector", "StripeOptions", "connector"]
