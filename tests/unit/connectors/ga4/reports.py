"""Reports as Google Analytics answers them."""

from typing import Any

from tactics.connectors.ga4 import report as reports

METRICS = (*reports.REQUIRED_METRICS, *reports.OPTIONAL_METRICS)
VALUES = ("412", "250", "380", "120", "990", "3.5", "2", "1830.449999", "1850")
ROW = ("20261103", "Organic Search", "google", "organic", "(organic)")


def row(dimensions: tuple[str, ...] = ROW, values: tuple[str, ...] = VALUES) -> dict[str, Any]:
    """Return one row of a report."""
    return {
        "dimensionValues": [{"value": text} for text in dimensions],
        "metricValues": [{"value": text} for text in values],
    }


def report(
    *rows: dict[str, Any], metrics: tuple[str, ...] = METRICS, **changes: Any
) -> dict[str, Any]:
    """Return a page of the traffic report; `metadata` adds to the usual one."""
    metadata = {"currencyCode": "GBP", "timeZone": "Europe/London", **changes.pop("metadata", {})}
    answer: dict[str, Any] = {
        "kind": "analyticsData#runReport",
        "dimensionHeaders": [{"name": name} for name in reports.DIMENSIONS],
        "metricHeaders": [{"name": name, "type": "TYPE_INTEGER"} for name in metrics],
        "metadata": metadata,
    }
    if rows:
        answer |= {"rows": list(rows), "rowCount": len(rows)}
    return answer | changes


def failure(status: str, message: str = "no", **more: Any) -> dict[str, Any]:
    """Return Google's error body."""
    return {"error": {"code": 400, "message": message, "status": status, **more}}
