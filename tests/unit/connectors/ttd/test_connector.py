"""What a connection to The Trade Desk may say, and who an advertiser is."""

from typing import Any

import pytest

from tactics.config import SourceSettings
from tactics.connectors import options_of
from tactics.connectors.ttd import TtdOptions, connector
from tactics.errors import ConfigError, ContractChanged, CredentialError, PermissionDenied
from tactics.model import AccountInfo
from tests.unit.connectors.builders import respond
from tests.unit.connectors.ttd.answers import OPTIONS

LEAST = {"partner_id": "abcprt", "report_template_id": 123}
ADVERTISER = {
    "AdvertiserId": "act_1",
    "AdvertiserName": "Acme",
    "PartnerId": "abcprt",
    "CurrencyCode": "EUR",
}


def options(**more: Any) -> TtdOptions:
    """Return the options of a configuration."""
    settings = SourceSettings.model_validate({**LEAST, **more})
    found = options_of(settings, connector)
    assert isinstance(found, TtdOptions)
    return found


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"partner_id": None}, "partner_id"),
        ({"report_template_id": None}, "report_template_id"),
        ({"report_template_id": 0}, "report_template_id"),
        ({"partner_id": "a b"}, "partner_id"),
        ({"cost_column": "Partner Cost"}, "cost_column"),
        ({"cost_column": "Partner Cost (Partner Currency)"}, "cost_column"),
        ({"timezone": "Vienna"}, "unknown time zone"),
        ({"column_aliases": {"dates": ["Day"]}}, "column_aliases"),
        ({"conversion_value_column": "Revenue (USD)"}, "different currencies"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_wrong_configuration_is_refused(wrong: dict[str, Any], message: str) -> None:
    """Partner and template are mandatory, units must be known, a role must exist."""
    with pytest.raises(ConfigError, match=message):
        options(**wrong)


def test_the_cost_may_be_in_dollars() -> None:
    """Then the revenue must be, too, unless its title names no currency."""
    cost = "Advertiser Cost (USD)"
    assert options(cost_column=cost, conversion_value_column="Revenue (USD)").cost_column == cost
    assert options(cost_column=cost, conversion_value_column="Revenue").conversion_value_column


def test_aliases_come_before_the_known_titles() -> None:
    """All titles stand in the options, because silver reads them there."""
    titles = options(column_aliases={"date": ["Day"]}).column_aliases
    assert titles["date"] == ("Day", "Date", "Report Date")
    assert titles["impressions"] == ("Impressions",)


def test_the_advertiser_is_asked_by_its_id() -> None:
    """One request, whatever stands in the id."""
    assert connector.ask_account("a/1", OPTIONS).path == "/advertiser/a%2F1"


def test_the_advertiser_tells_name_and_currency() -> None:
    """The time zone is the one in which the reports are cut."""
    found = connector.read_account("act_1", options(timezone="Europe/Vienna"), respond(ADVERTISER))
    assert found == AccountInfo("act_1", "Acme", "EUR", "Europe/Vienna")


def test_a_nameless_advertiser_will_do() -> None:
    """Name, currency and partner are not in every answer."""
    found = connector.read_account("act_1", OPTIONS, respond({"AdvertiserId": "ACT_1"}))
    assert found == AccountInfo("act_1", "act_1", None, "UTC")


def test_another_partners_advertiser_is_refused() -> None:
    """The hint says which partner it is."""
    answer = respond(ADVERTISER | {"PartnerId": "other"})
    with pytest.raises(PermissionDenied) as caught:
        connector.read_account("act_1", OPTIONS, answer)
    assert 'partner_id = "other"' in caught.value.hint


@pytest.mark.parametrize("answer", [respond(ADVERTISER | {"AdvertiserId": "b"}), respond(b"", 240)])
def test_an_answer_about_nobody_is_refused(answer: object) -> None:
    """Another advertiser, or success without content."""
    with pytest.raises(ContractChanged):
        connector.read_account("act_1", OPTIONS, answer)  # type: ignore[arg-type]


def test_a_dead_token_is_told_at_the_account() -> None:
    """The first call already says that the token must be replaced."""
    with pytest.raises(CredentialError):
        connector.read_account("act_1", OPTIONS, respond({"Message": "expired"}, 401))


def test_any_token_is_accepted() -> None:
    """Tokens do not show their kind."""
    connector.check_credentials({"token": "x"}, OPTIONS)
    assert connector.streams(OPTIONS) == connector.manifest.streams
