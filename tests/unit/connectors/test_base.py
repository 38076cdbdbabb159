"""What a connector need not write, and where its people read about it."""

from dataclasses import replace

import pytest

from tactics.config import SourceSettings
from tactics.connectors import Connector, Options, Step, find_connector, options_of
from tactics.connectors.stripe import connector as stripe
from tactics.errors import ConfigError
from tactics.model import AccountInfo, Slice
from tactics.transport import Request, Response, get


class Least(Connector):
    """A connector that says nothing but what only it can know."""

    manifest = replace(stripe.manifest, kind="least", docs="https://example.com/least")

    def ask_account(self, account_id: str, options: Options) -> Request:
        """Return a request."""
        return get(f"/{account_id}")

    def read_account(self, account_id: str, options: Options, response: Response) -> AccountInfo:
        """Return an account."""
        return AccountInfo(account_id, "", None, None)

    def ask(self, work: Slice, options: Options) -> Request:
        """Return a request."""
        return get("/")

    def read(self, work: Slice, options: Options, request: Request, response: Response) -> Step:
        """Return a page."""
        return Step(response.body)


def test_the_least_connector_reads_all_streams_with_any_credential() -> None:
    """Streams are the manifest's, every credential will do, and there are no keys of its own."""
    least = Least()

    assert least.streams(Options()) == stripe.manifest.streams
    least.check_credentials({"api_key": "anything"}, Options())
    assert options_of(SourceSettings(), least) == Options()


def test_a_refused_key_leads_to_the_right_page() -> None:
    """The page of whoever wrote the connector, else the one in docs."""
    settings = SourceSettings.model_validate({"nonsense": 1})

    with pytest.raises(ConfigError) as own:
        options_of(settings, Least())
    with pytest.raises(ConfigError) as usual:
        options_of(settings, find_connector("stripe"))

    assert own.value.hint == "see https://example.com/least"
    assert usual.value.hint == "see docs/connectors/stripe.md"
