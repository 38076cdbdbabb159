"""The Trade Desk: campaign days out of a MyReports template, into `ad_performance`."""

from tactics.connectors.ttd.connector import TtdConnector, connector
from tactics.connectors.ttd.options import TtdOptions

__all__ = ["TtdConnector", "TtdOptions", "connector"]
