"""Google Analytics' answers as values: a report, its caveats, the preflight.

Rows are counted, not parsed; silver does that in SQL. Raises what `faults` makes of everything else.
"""

from http import HTTPStatus
from typing import TypeVar

import msgspec

from tactics.connectors.ga4.faults import error_of
from tactics.connectors.ga4.quota import PropertyQuota
from tactics.connectors.ga4.report import DIMENSIONS
from tactics.errors import ContractChanged, DecodeError
from tactics.transport import Response

_KIND = "analyticsData#runReport"


class _Named(msgspec.Struct):
    name: str = ""


class _Restriction(msgspec.Struct, rename="camel"):
    metric_name: str = ""


class _Restrictions(msgspec.Struct, rename="camel"):
    active_metric_restrictions: list[_Restriction] = []


class _Truncation(msgspec.Struct, rename="camel"):
    data_truncation_message: str = ""
    data_truncation_type: str = ""


class Metadata(msgspec.Struct, rename="camel"):
    """What Google says about a report besides its rows."""

    currency_code: str = ""
    time_zone: str = ""
    data_loss_from_other_row: bool = False
    sampling_metadatas: list[msgspec.Raw] = []
    schema_restriction_response: _Restrictions = msgspec.field(default_factory=_Restrictions)
    data_truncation_reasons: list[_Truncation] = []

    @property
    def is_coarse(self) -> bool:
        """Return whether the report is sampled or rolled up: a shorter window may not be."""
        return self.data_loss_from_other_row or bool(self.sampling_metadatas)

    def warnings(self) -> tuple[str, ...]:
        """Return what a person should know of this report."""
        blocked = self.schema_restriction_response.active_metric_restrictions
        return (
            *(f"ga4: the credential may not see {metric.metric_name}" for metric in blocked),
            *(
                f"ga4: data is cut off: {cut.data_truncation_message or cut.data_truncation_type}"
                for cut in self.data_truncation_reasons
            ),
        )


class Report(msgspec.Struct, rename="camel"):
    """One page of a report; an empty one has no rows at all, and may have no count."""

    kind: str
    dimension_headers: list[_Named] = []
    row_count: int = 0
    rows: list[msgspec.Raw] = []
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    property_quota: PropertyQuota = msgspec.field(default_factory=PropertyQuota)


class _Metric(msgspec.Struct, rename="camel"):
    api_name: str = ""


class _Compatibility(msgspec.Struct, rename="camel"):
    compatibility: str = ""
    metric_metadata: _Metric = msgspec.field(default_factory=_Metric)


class Compatibilities(msgspec.Struct, rename="camel"):
    """The preflight's answer."""

    metric_compatibilities: list[_Compatibility]

    def compatible(self) -> set[str]:
        """Return the metrics that may be asked for."""
        return {
            found.metric_metadata.api_name
            for found in self.metric_compatibilities
            if found.compatibility == "COMPATIBLE"
        }


Answer = TypeVar("Answer", Report, Compatibilities)


def decode(response: Response, kind: type[Answer]) -> Answer:
    """Return the answer as a value.

    Raises:
        TacticsError: the call failed.
        ContractChanged: the answer is JSON of another shape.
        DecodeError: it is no JSON, or not UTF-8.
    """
    if response.status != HTTPStatus.OK:
        error = error_of(response)
        raise error
    try:
        response.body.decode()
        answer = msgspec.json.decode(response.body, type=kind)
    except msgspec.ValidationError as exc:
        raise ContractChanged("google answers in another shape") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise DecodeError("google's answer is not JSON", size_bytes=len(response.body)) from exc
    if isinstance(answer, Report):
        _check_kind(answer)
    return answer


def check_columns(report: Report) -> None:
    """Refuse rows that are not those of the traffic report.

    Raises:
        ContractChanged: the dimensions are others than those that were asked for.
    """
    names = tuple(header.name for header in report.dimension_headers)
    if report.rows and names != DIMENSIONS:
        raise ContractChanged("google answers with other dimensions", dimensions=", ".join(names))


def _check_kind(report: Report) -> None:
    if report.kind != _KIND:
        raise ContractChanged("google answers with something else than a report", kind=report.kind)
