"""Asks Meta for insights of campaigns and of whole accounts, and says what the answers mean.

Sends nothing, and never parses a row. Source: contract sheet "Meta Marketing API" (2026-11-21).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tactics.clock import is_timezone
from tactics.connectors.base import Manifest, Options, Step, StreamSpec
from tactics.connectors.meta import reports
from tactics.connectors.meta.answer import Answer, mask_tokens
from tactics.connectors.meta.faults import (
    error_of,
    is_not_ready,
    is_unknown_object,
    open_answer,
)
from tactics.connectors.meta.usage import pause_seconds
from tactics.errors import ContractChanged, CursorRejected, FieldRejected
from tactics.model import AccountInfo, Slice
from tactics.transport import Request, Response, get

API_VERSION = "v26.0"  # released 2026-07-29, no end date announced
CAMPAIGNS, TOTALS = "campaign_insights", "account_insights"


@dataclass(frozen=True, slots=True)
class _Report:
    """What is asked for at one level; silver can do without the `optional` fields."""

    level: str
    required: tuple[str, ...]
    optional: tuple[str, ...]


_REPORTS = {
    CAMPAIGNS: _Report(
        "campaign",
        ("account_id", "campaign_id", "impressions", "clicks", "spend", "date_start"),
        (
            "account_currency",
            "campaign_name",
            "actions",
            "action_values",
            "video_play_actions",
            "date_stop",
        ),
    ),
    TOTALS: _Report(
        "account",
        ("account_id", "impressions", "clicks", "spend", "date_start"),
        ("account_currency", "actions", "action_values", "date_stop"),
    ),
}

_ActionType = Annotated[str, StringConstraints(pattern=r"^[\w.]+$")]


class MetaOptions(Options):
    """What `[orgs.<org>.sources.meta]` may say besides the common keys."""

    conversion_action_types: tuple[_ActionType, ...] = Field(
        ("omni_purchase", "purchase", "offsite_conversion.fb_pixel_purchase"),
        min_length=1,
        max_length=4,  # insights.sql looks at four
        description="the first of these that a row has is its conversion; they are never summed",
    )
    report_mode: Literal["auto", "sync", "async"] = Field(
        "auto", description="auto: direct, and a report for what is too big for that"
    )
    rollup_check: bool = Field(
        default=True,
        description="read the accounts' own totals as well; DataGuard compares the campaigns with them",
    )
    page_size: int = Field(500, ge=1, le=500, description="rows per page")
    api_version: str = Field(
        API_VERSION, pattern=r"^v\d+\.\d+$", description="of the Marketing API"
    )


class MetaConnector:
    """Meta Ads. Accounts are ad accounts, written `act_123` or `123`."""

    manifest = Manifest(
        kind="meta",
        title="Meta Ads",
        account_example="act_1234567890",
        base_urls={"api": "https://graph.facebook.com"},
        api_version=API_VERSION,
        sunset=None,
        breaker="meta_breaker",
        credentials=(("access_token",),),
        optional_credentials=("app_secret",),
        auth="query",
        scopes=("ads_read",),
        hosts=("facebook.com",),
        streams=(
            # The contract recommends days. A week with time_increment=1 returns the same rows in a
            # seventh of the calls; what is too big is halved down to a day (SliceTooLarge). Rows
            # change for up to 28 days and then freeze. History is 37 months, clamped as Airbyte does.
            StreamSpec(
                name=CAMPAIGNS,
                table="ad_performance",
                entity_keys=("campaign_id",),
                slice_days=7,
                lookback_days=28,
                final_after_days=28,
                max_history_days=1123,
            ),
            StreamSpec(
                name=TOTALS,
                table="ad_account_totals",
                entity_keys=("account_id",),
                slice_days=7,
                lookback_days=28,
                final_after_days=28,
                max_history_days=1123,
            ),
        ),
        # No limit per second is documented; Meta counts per hour and says so in its usage headers,
        # which pause the account. This only keeps a runaway in check (a guess).
        requests_per_second=200.0,
        burst=200,
    )
    options = MetaOptions

    def streams(self, options: Options) -> tuple[StreamSpec, ...]:
        """Return the campaigns, and the accounts' own totals unless they are switched off."""
        wanted = _mine(options).rollup_check
        return tuple(spec for spec in self.manifest.streams if wanted or spec.name != TOTALS)

    def check_credentials(self, credentials: Mapping[str, str], options: Options) -> None:
        """Accept every token: Meta's tokens do not show their kind."""

    def ask_account(self, account_id: str, options: Options) -> Request:
        """Return the request for the account's name, currency and time zone."""
        fields = ("fields", "account_id,name,currency,timezone_name")
        return get(f"/{_mine(options).api_version}/{_node(account_id)}", fields)

    def read_account(self, account_id: str, options: Options, response: Response) -> AccountInfo:  # noqa: ARG002
        """Return what Meta says of the account.

        Raises:
            ContractChanged: the time zone or the currency is missing: days and money would be guesses.
        """
        answer = open_answer(response)
        _check(answer, response)
        if not is_timezone(answer.timezone_name) or not answer.currency:
            raise ContractChanged(
                "meta does not say the account's currency and time zone", account_id=account_id
            )
        name = answer.name or account_id
        return AccountInfo(account_id, name, answer.currency, answer.timezone_name or "")

    def ask(self, work: Slice, options: Options) -> Request:
        """Return the first page, the report to submit, or the report to go on with."""
        mine = _mine(options)
        if work.job is not None:
            return reports.poll(mine.api_version, work.job)
        if mine.report_mode == "async" or (work.deep and mine.report_mode == "auto"):
            return reports.submit(_path(work, mine), _report_form(work))
        query = {**_parameters(work), "fields": ",".join(_fields(work))}
        return get(_path(work, mine), *query.items(), ("limit", str(mine.page_size)))

    def read(self, work: Slice, options: Options, request: Request, response: Response) -> Step:
        """Return what an answer means: a page, a poll, or an error of ours."""
        step = self._read(work, _mine(options), request=request, response=response)
        warning = response.headers.get("x-ad-api-version-warning")
        return replace(
            step,
            pause_seconds=pause_seconds(response.headers),
            warnings=(*step.warnings, *((f"meta: {warning}",) if warning else ())),
        )

    def _read(
        self, work: Slice, mine: MetaOptions, *, request: Request, response: Response
    ) -> Step:
        answer = open_answer(response)
        if request.method == "POST":
            _check(answer, response, work)
            return reports.submitted(mine.api_version, request, answer)
        if not request.path.endswith("/insights"):
            return _polled(work, mine, request=request, response=response)
        if is_not_ready(answer) and reports.is_report(request):
            return reports.not_ready(mine.api_version, request)
        _check(answer, response, work)
        return _page(request, answer, response)


def _polled(work: Slice, mine: MetaOptions, *, request: Request, response: Response) -> Step:
    answer = open_answer(response)
    step = None
    if not is_unknown_object(answer):
        _check(answer, response, work)
        rows = get(
            f"/{mine.api_version}/{reports.job_of(request)}/insights",
            ("fields", ",".join(_fields(work))),
            ("limit", str(mine.page_size)),
        )
        step = reports.polled(mine.api_version, request, answer, rows=rows)
    if step is not None:
        return step
    return reports.resubmit(request, answer, path=_path(work, mine), fields=_report_form(work))


def _page(request: Request, answer: Answer, response: Response) -> Step:
    if bytes(answer.data)[:1] != b"[":
        raise ContractChanged("meta's page has no rows in `data`")
    page = mask_tokens(response.body)
    paging = answer.paging
    if paging is None or paging.next is None:
        return Step(page=page)
    after = paging.cursors.after if paging.cursors else None
    if not after or after == dict(request.query).get("after"):
        raise CursorRejected("meta repeats its cursor, or has a next page without one")
    return Step(page=page, next=request.with_query(after=after))


def _check(answer: Answer, response: Response, work: Slice | None = None) -> None:
    if answer.error is None:
        return
    error = error_of(answer.error, response)
    if isinstance(error, FieldRejected):
        field = error.facts["field"]
        if work is None or field in work.without or field not in _report(work).optional:
            raise ContractChanged(error.message, hint="silver cannot do without it", field=field)
    raise error


def _fields(work: Slice) -> list[str]:
    report = _report(work)
    return [*report.required, *(name for name in report.optional if name not in work.without)]


def _report(work: Slice) -> _Report:
    return _REPORTS[work.key.stream]


def _parameters(work: Slice) -> dict[str, str]:
    days = {"since": work.window.start.isoformat(), "until": work.window.end.isoformat()}
    return {
        "level": _report(work).level,
        "time_range": json.dumps(days, separators=(",", ":")),
        "time_increment": "1",
    }


def _report_form(work: Slice) -> dict[str, str]:
    # lists are JSON text in the form of a POST and comma separated in a query, as the SDK does it
    return {**_parameters(work), "fields": json.dumps(_fields(work))}


def _path(work: Slice, mine: MetaOptions) -> str:
    return f"/{mine.api_version}/{_node(work.key.account_id)}/insights"


def _node(account_id: str) -> str:
    return f"act_{account_id.removeprefix('act_')}"


def _mine(options: Options) -> MetaOptions:
    assert isinstance(options, MetaOptions)
    return options


connector = MetaConnector()
