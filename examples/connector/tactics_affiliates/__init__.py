"""What the affiliate desk charges: how it is asked, and what its answers mean."""

import msgspec
from pydantic import Field

from tactics.connectors import Connector, Manifest, Options, Step, StreamSpec, decode_answer
from tactics.model import AccountInfo, Slice
from tactics.transport import Request, Response, get


class DeskOptions(Options):
    """The desk's own keys in tactics.toml."""

    pending: bool = Field(default=True, description="count sales that nobody has confirmed yet")


class _Account(msgspec.Struct):
    name: str
    currency: str
    timezone: str


class _Page(msgspec.Struct):
    costs: list[msgspec.Raw]
    next_page: int | None


class AffiliateDesk(Connector):
    """The desk; an account is a publisher's number."""

    manifest = Manifest(
        kind="affiliates",
        title="Affiliate desk",
        docs="examples/connector/README.md",
        base_urls={"api": "https://desk.example"},
        api_version="1",
        sunset=None,
        breaker="affiliates_breaker",
        credentials=(("token",),),
        streams=(
            StreamSpec(
                name="costs",
                table="ad_performance",
                entity_keys=("campaign_id",),
                slice_days=7,
                lookback_days=30,  # so long may a shop take to confirm or cancel a sale
                final_after_days=30,
            ),
        ),
        account_example="4711",
    )
    options = DeskOptions

    def ask_account(self, account_id: str, options: Options) -> Request:  # noqa: ARG002
        """Return the request for a publisher's name, currency and time zone."""
        return get(f"/v1/publishers/{account_id}")

    def read_account(self, account_id: str, options: Options, response: Response) -> AccountInfo:  # noqa: ARG002
        """Return what the desk says of a publisher."""
        found = decode_answer(response, _Account, vendor="the desk")
        return AccountInfo(account_id, found.name, found.currency, found.timezone)

    def ask(self, work: Slice, options: Options) -> Request:
        """Return the first page of a window, of which both ends are part."""
        query = {"from": work.window.start, "to": work.window.end, **options.model_dump()}
        path = f"/v1/publishers/{work.key.account_id}/costs"
        return get(path, *((name, str(value).lower()) for name, value in query.items()))

    def read(self, work: Slice, options: Options, request: Request, response: Response) -> Step:  # noqa: ARG002
        """Return the page as it came, and the request for the next one."""
        page = decode_answer(response, _Page, vendor="the desk").next_page
        return Step(response.body, next=request.with_query(page=str(page)) if page else None)


connector = AffiliateDesk()
