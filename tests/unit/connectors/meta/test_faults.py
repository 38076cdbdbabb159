"""Every row of Meta's error table has its error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.connectors.meta.answer import _TOKENS, ApiError, mask_tokens
from tactics.connectors.meta.faults import error_of, open_answer
from tactics.connectors.meta.usage import pause_seconds, regain_seconds
from tactics.errors import (
    ContractChanged,
    CredentialError,
    DecodeError,
    FieldRejected,
    PermissionDenied,
    RateLimited,
    SliceTooLarge,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.transport import Response
from tests.unit.connectors.builders import respond

PIECES = (
    b"access_token=",
    b"access_",
    b"token=",
    b"appsecret_proof=",
    b"EAAB",
    b"&",
    b'"',
    b"\\",
    b" ",
)
THROTTLED = [4, 17, 32, 613, *range(80000, 80007), 80008, 80014]


def classify(code: int, subcode: int | None = None, **facts: object) -> TacticsError:
    """Return the error of an envelope that came with status 400."""
    status = facts.pop("status", 400)
    assert isinstance(status, int)
    error = ApiError("something", code, subcode, **facts)  # type: ignore[arg-type]
    return error_of(error, Response(status, b""))


@pytest.mark.parametrize("code", THROTTLED)
def test_throttling_has_many_codes(code: int) -> None:
    """All throttling codes, which come with status 400, are rate limits; without a time 5 minutes."""
    error = classify(code)
    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == 300


@pytest.mark.parametrize(
    ("code", "subcode", "kind"),
    [
        (4, 1504022, RateLimited),
        (4, 1504039, RateLimited),
        (17, 2446079, RateLimited),
        (1, None, UpstreamUnavailable),
        (2, None, UpstreamUnavailable),
        (341, None, UpstreamUnavailable),
        (368, None, UpstreamUnavailable),
        (960, None, UpstreamUnavailable),
        (104, None, UpstreamUnavailable),
        (100, 99, UpstreamUnavailable),
        (2, 1504043, UpstreamUnavailable),
        (2, 1504044, UpstreamUnavailable),
        (2601, 1815107, UpstreamUnavailable),
        (2637, None, UpstreamUnavailable),
        (100, 1487534, SliceTooLarge),
        (100, 1504018, SliceTooLarge),
        (2, 1504038, SliceTooLarge),
        (190, 458, CredentialError),
        (190, 463, CredentialError),
        (190, 467, CredentialError),
        (190, None, CredentialError),
        (102, None, CredentialError),
        (10, None, PermissionDenied),
        (200, None, PermissionDenied),
        (294, None, PermissionDenied),
        (299, None, PermissionDenied),
        (3, None, PermissionDenied),
        (2, 1504041, ContractChanged),
        (2, 1504042, ContractChanged),
        (100, None, ContractChanged),
        (100, 2446289, ContractChanged),
        (2635, None, ContractChanged),
        (777_777, None, ContractChanged),
    ],
)
def test_the_error_table(code: int, subcode: int | None, kind: type[TacticsError]) -> None:
    """The subcode decides before the code: code 2 is transient, 2/1504041 is not."""
    assert type(classify(code, subcode)) is kind


def test_a_transient_mark_or_status_decides_for_unknown_codes() -> None:
    """`is_transient` and 5xx make an unknown code worth another try, not a known permanent one."""
    assert type(classify(777, is_transient=True)) is UpstreamUnavailable
    assert type(classify(777, status=503)) is UpstreamUnavailable
    assert type(classify(777, status=401)) is CredentialError
    assert type(classify(190, is_transient=True)) is CredentialError


def test_the_text_reduce_the_amount_is_too_large() -> None:
    """Big accounts get a text without a subcode of its own."""
    text = "Please reduce the amount of data you're asking for, then retry your request"
    assert type(error_of(ApiError(text, 1), Response(500, b""))) is SliceTooLarge


def test_an_ended_version_asks_for_an_upgrade() -> None:
    """Code 2635 says what to do."""
    assert "upgrade" in classify(2635).hint


def test_sign_in_and_permission_say_what_to_do() -> None:
    """Errors for a person carry a hint."""
    assert "tactics auth set" in classify(190).hint
    assert "ads_read" in classify(200).hint


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("(#100) dma is not valid for fields param. please check", "dma"),
        ("(#100) reach, dma are not valid for fields param.", "reach"),
    ],
)
def test_a_refused_field_is_named(text: str, field: str) -> None:
    """The field is parsed out of the message, so that it can be left out."""
    error = error_of(ApiError(text, 100), Response(400, b""))
    assert isinstance(error, FieldRejected)
    assert error.facts["field"] == field


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"<html>Bad gateway</html>", 502, UpstreamUnavailable),
        (b"Service Unavailable", 200, UpstreamUnavailable),
        (b"<html>Service Unavailable</html>", 400, UpstreamUnavailable),
        (b"<html>hello</html>", 200, DecodeError),
        (b'{"data": [{"campaign_id": "1', 200, DecodeError),
        (b'{"data": []} \xff', 200, DecodeError),
        (b'{"data": [{"campaign_name": "\xff"}]}', 200, DecodeError),
        (b"[]", 200, ContractChanged),
        (b"{}", 401, CredentialError),
        (b"{}", 403, PermissionDenied),
        (b"", 429, RateLimited),
        (b"gone", 410, ContractChanged),
        (b"[]", 500, UpstreamUnavailable),
    ],
)
def test_bodies_without_an_envelope(body: bytes, status: int, kind: type[TacticsError]) -> None:
    """Text, HTML, cut off JSON and empty bodies are told apart by status and content."""
    with pytest.raises(kind) as caught:
        open_answer(Response(status, body))
    assert type(caught.value) is kind


def test_a_good_status_may_hold_an_error() -> None:
    """Status 200 proves nothing: the envelope is seen."""
    answer = open_answer(respond({"error": {"code": 190, "message": "expired"}}))
    assert answer.error is not None
    assert answer.error.code == 190


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"x-app-usage": '{"call_count": 84.9}'}, 0),
        ({"x-app-usage": '{"call_count": "85"}'}, 120),
        ({"x-fb-ads-insights-throttle": '{"acc_id_util_pct": 100}'}, 600),
        ({"x-ad-account-usage": '{"acc_id_util_pct": 95.1, "reset_time_duration": 30}'}, 600),
        ({"x-business-use-case-usage": '{"1": [{"type": "a"}, {"total_cputime": 96}]}'}, 600),
        ({"x-business-use-case-usage": '{"99": [{"call_count": 10}]}'}, 0),
        ({"x-app-usage": "nonsense"}, 0),
        ({"x-app-usage": '{"call_count": null, "total_time": "NaN"}'}, 0),
        ({"x-app-usage": '["x", 1]', "x-ad-account-usage": '{"acc_id_util_pct": "x"}'}, 0),
    ],
)
def test_usage_headers_slow_an_account_down(headers: dict[str, str], seconds: float) -> None:
    """85 % pauses 2 minutes and 95 % ten; what cannot be read counts as nothing."""
    assert pause_seconds(headers) == seconds


def test_a_throttled_answer_says_when_access_returns() -> None:
    """The longest of the times that Meta names is waited for, minutes and seconds alike."""
    usage = (
        '{"1": [{"estimated_time_to_regain_access": 3}, {"estimated_time_to_regain_access": "7"}]}'
    )
    headers = {"x-business-use-case-usage": usage}
    assert regain_seconds(headers) == 420
    error = error_of(ApiError("too many calls", 80000), Response(400, b"", headers))
    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == 420
    assert regain_seconds({"x-ad-account-usage": '{"reset_time_duration": 90}'}) == 90


@pytest.mark.parametrize(
    "url",
    [
        "https://g/v26.0/act_1/insights?access_token=EAAB12|x-y&after=MQ",
        r"https:\/\/g\/v26.0\/act_1\/insights?after=MQ&access_token=EAAB12|x-y",
        r"https://g/?access_token=EAAB12|x-y\u0026appsecret_proof=abc123\u0026after=MQ",
    ],
)
def test_tokens_in_a_page_are_masked(url: str) -> None:
    """`paging.next` holds the token: it goes, and no other byte changes."""
    page = f'{{"data":[{{"spend": "1.10"}}],"paging":{{"next":"{url}"}}}}'
    masked = mask_tokens(page.encode()).decode()
    assert "EAAB12" not in masked
    assert "abc123" not in masked
    expected = page.replace("EAAB12|x-y", "***").replace("abc123", "***")
    assert masked == expected


@given(st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join))
def test_searching_from_the_first_token_on_misses_none(body: bytes) -> None:
    """Wherever tokens stand, they are masked as if the whole page had been searched."""
    searched = body
    for name, pattern in _TOKENS:
        searched = pattern.sub(name + b"***", searched)
    assert mask_tokens(body) == searched
