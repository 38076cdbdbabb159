"""Shopify: orders, refunds, customers and products of one shop."""

from tactics.connectors.shopify.connector import ShopifyConnector, ShopifyOptions, connector

__all__ = ["ShopifyConnector", "ShopifyOptions", "connector"]
