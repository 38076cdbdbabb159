"""Another implementation of the `Connector` protocol: the body of a response describes its `Step`.

`{"rows": […]}` is a page, `{"error": "RateLimited"}` raises, `{"next": "2"}` goes on with that
cursor; the other keys are fields of `Step`. Nothing is scripted here: the vendor decides.
"""

import json
from collections.abc import Mapping
from typing import Any

from tactics import errors
from tactics.connectors import Manifest, Options, Step, StreamSpec
from tactics.model import AccountInfo, Slice
from tactics.transport import Request, Response, get

ADS = StreamSpec("ads", "ad_performance", ("id",), slice_days=4, final_after_days=3)
SHEET = StreamSpec("sheet", "bookings", ("id",), slicing="snapshot")


class ProbeOptions(Options):
    """Which streams a connection reads."""

    read: tuple[str, ...] = ("ads",)


class ProbeConnector:
    """The vendor of the pipeline's tests."""

    manifest = Manifest(
        kind="probe",
        title="Probe",
        base_urls={"api": "http://127.0.0.1:1"},
        api_version="v7",
        sunset=None,
        breaker="probe_breaker",
        credentials=(("token",), ("client_id", "client_secret")),
        optional_credentials=("extra",),
        streams=(ADS, SHEET),
        requests_per_second=1000.0,
        burst=1000,
        accounts_at_once=1,  # so that the order of the requests can be told
    )
    options = ProbeOptions

    def streams(self, options: Options) -> tuple[StreamSpec, ...]:
        assert isinstance(options, ProbeOptions)
        return tuple(spec for spec in self.manifest.streams if spec.name in options.read)

    def check_credentials(self, credentials: Mapping[str, str], options: Options) -> None:
        if credentials.get("token", "").startswith("wrong"):
            raise errors.CredentialError("this kind of token is refused")

    def ask_account(self, account_id: str, options: Options) -> Request:
        return get(f"/{account_id}")

    def read_account(self, account_id: str, options: Options, response: Response) -> AccountInfo:
        said = _said(response)
        return AccountInfo(
            account_id, said.get("name", "Probe"), said.get("currency"), said.get("timezone", "")
        )

    def ask(self, work: Slice, options: Options) -> Request:
        query = {
            "since": work.window.start.isoformat(),
            "until": work.window.end.isoformat(),
            "without": " ".join(sorted(work.without)),
            "job": work.job or "",
            "deep": "yes" if work.deep else "",
            "marker": work.marker or "",
        }
        path = f"/{work.key.account_id}/{work.key.stream}"
        return get(path, *((name, text) for name, text in query.items() if text))

    def read(self, work: Slice, options: Options, request: Request, response: Response) -> Step:
        said = _said(response)
        cursor = said.pop("next", None)
        rows = said.pop("rows", None)
        said["warnings"] = tuple(said.get("warnings", ()))
        return Step(
            page=None if rows is None else response.body,
            next=None if cursor is None else request.with_query(cursor=cursor),
            **said,
        )


def _said(response: Response) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(response.body)
    if "error" in said:
        kind = getattr(errors, said["error"])
        raise kind(f"the vendor says {said['error']}", **said.get("facts", {}))
    return said


connector = ProbeConnector()
