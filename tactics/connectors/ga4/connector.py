"""Asks Google Analytics for traffic by day and source, and says what the answers mean.

Sends nothing, and never parses a row.
Source: contract sheet "Google Analytics 4, Data API v1beta" (2026-11-21).
"""

import re
from collections.abc import Mapping
from typing import NoReturn

from pydantic import Field

from tactics.clock import is_timezone
from tactics.connectors.base import Manifest, Options, Step, StreamSpec
from tactics.connectors.carry import carried_count, carry
from tactics.connectors.ga4 import report as reports
from tactics.connectors.ga4.answer import Compatibilities, Report, check_columns, decode
from tactics.connectors.ga4.faults import is_incompatible
from tactics.connectors.ga4.privacy import mask_personal
from tactics.errors import ContractChanged, CursorRejected, FieldRejected, SliceTooLarge
from tactics.model import AccountInfo, Slice
from tactics.transport import Request, Response


class GoogleAnalyticsOptions(Options):
    """What `[orgs.<org>.sources.ga4]` may say besides the common keys."""

    page_size: int = Field(
        50_000, ge=1, le=reports.MAX_PAGE_SIZE, description="rows per page of a report"
    )


class GoogleAnalyticsConnector:
    """Google Analytics 4. Accounts are property ids, digits only."""

    manifest = Manifest(
        kind="ga4",
        title="Google Analytics 4",
        account_example="421000001",
        base_urls={"api": "https://analyticsdata.googleapis.com"},
        api_version=reports.API_VERSION,
        sunset=None,
        breaker="ga4_breaker",
        credentials=(("service_account",), ("client_id", "client_secret", "refresh_token")),
        auth="google",
        scopes=("https://www.googleapis.com/auth/analytics.readonly",),
        hosts=("googleapis.com",),
        streams=(
            StreamSpec(
                name="traffic",
                table="web_traffic",
                entity_keys=("channel_group", "traffic_source", "medium", "campaign"),
                # A week at a time. A report that Google samples or rolls up is asked for again in
                # smaller windows, down to a day.
                slice_days=7,
                lookback_days=3,
                final_after_days=3,
                # Attribution moves for weeks: 14 days once a day, 35 days once a week. The hours
                # are a little short of that, so that a sync that starts earlier than yesterday's
                # still counts.
                tiers=((14, 20), (35, 7 * 24 - 4)),
            ),
        ),
        # No limit per second is documented, tokens are (they come with every answer and pause the
        # property) and 10 requests at once; this only keeps a runaway in check (a guess).
        requests_per_second=10.0,
        burst=10,
    )
    options = GoogleAnalyticsOptions

    def streams(self, options: Options) -> tuple[StreamSpec, ...]:  # noqa: ARG002
        """Return the one stream."""
        return self.manifest.streams

    def check_credentials(self, credentials: Mapping[str, str], options: Options) -> None:
        """Accept what is there: Google tells at the first token."""

    def ask_account(self, account_id: str, options: Options) -> Request:  # noqa: ARG002
        """Return a report of one row, whose metadata has the currency and the time zone."""
        return reports.property_facts(account_id)

    def read_account(self, account_id: str, options: Options, response: Response) -> AccountInfo:  # noqa: ARG002
        """Return what Google says of the property; its name is not part of this API.

        Raises:
            ContractChanged: the time zone or the currency is missing: days and money would be guesses.
        """
        about = decode(response, Report).metadata
        known = is_timezone(about.time_zone)
        if not known or not re.fullmatch("[A-Z]{3}", about.currency_code):
            raise ContractChanged(
                "google does not say the property's currency and time zone", account_id=account_id
            )
        return AccountInfo(account_id, account_id, about.currency_code, about.time_zone)

    def ask(self, work: Slice, options: Options) -> Request:
        """Return the first page of the window's report."""
        assert isinstance(options, GoogleAnalyticsOptions)
        return reports.traffic(work, options.page_size)

    def read(self, work: Slice, options: Options, request: Request, response: Response) -> Step:  # noqa: ARG002
        """Return the masked page and the request for the next one; or the preflight.

        Raises:
            SliceTooLarge: Google sampled or rolled up a report of several days.
            FieldRejected: a metric is unknown, or does not go with the dimensions.
            CursorRejected: there are more rows, but this page has none.
        """
        if reports.is_compatibility(request):
            _refuse_incompatible(work, decode(response, Compatibilities))
        if is_incompatible(response):
            return Step(next=reports.compatibility(work.key.account_id))
        report = decode(response, Report)
        check_columns(report)
        if report.metadata.is_coarse and len(work.window) > 1:
            raise SliceTooLarge(
                "google sampled the report, or rolled rows up into (other)",
                hint="asked again for fewer days",
            )
        page, masked = mask_personal(response.body)
        warnings = list(report.metadata.warnings())
        if masked:
            warnings.append("ga4: campaign links hold e-mail addresses or query strings: masked")
        following, moved = _next(request, report)
        if moved:
            warnings.append("ga4: rows changed while they were read; the next sync reads again")
        return Step(
            page=page,
            next=following,
            pause_seconds=report.property_quota.pause_seconds(response.headers),
            warnings=tuple(warnings),
        )


def _next(request: Request, report: Report) -> tuple[Request | None, bool]:
    """Return the request for the rows after these, and whether the report moved meanwhile.

    Raises:
        CursorRejected: there are more rows, but this page has none.
    """
    offset = reports.offset_of(request)
    first_count = carried_count(request, "rows") if offset else report.row_count
    after = offset + len(report.rows)
    moved = report.row_count != first_count
    if after >= report.row_count:
        return None, moved
    if not report.rows:
        raise CursorRejected("google promises more rows but sends none", offset=offset)
    return carry(reports.page_at(request, after), rows=first_count), moved


def _refuse_incompatible(work: Slice, answer: Compatibilities) -> NoReturn:
    """Name the first metric that has to go.

    Raises:
        FieldRejected: always, unless
        ContractChanged: Google finds nothing wrong with what was asked.
    """
    compatible = answer.compatible()
    for metric in reports.OPTIONAL_METRICS:
        if metric not in work.without and metric not in compatible:
            raise FieldRejected("google cannot combine a metric with the dimensions", field=metric)
    raise ContractChanged(
        "google refuses the combination of dimensions and metrics, and names no culprit",
        hint="report this with the time of the sync",
    )


connector = GoogleAnalyticsConnector()
