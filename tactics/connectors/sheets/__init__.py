"""Google Sheets: bookings and CRM deals that people keep by hand."""

from tactics.connectors.sheets.connector import SheetsConnector, connector
from tactics.connectors.sheets.options import SheetsOptions

__all__ = ["SheetsConnector", "SheetsOptions", "connector"]
