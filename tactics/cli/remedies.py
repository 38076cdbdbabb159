"""What a person does about each class of error, for `dlq inspect` and the end of a sync.

Keyed by `error_type`; a test holds it complete. An error's own hint, when it has one, goes first.
"""

from collections.abc import Mapping

_WAIT = "wait for it to pass, then `tactics dlq retry --transient`"
_FLUSH = "`tactics dlq retry --transient` and `tactics queue flush`"
_DISK = f"free disk space or repair the path under $TACTICS_HOME, then {_FLUSH}"
_COMMIT = "nothing: the load id makes a repeat safe; `tactics dlq retry --transient`"
_AGAIN = "`tactics sync` fetches that window again; a good fetch closes this dead letter"
_REPORT = "look at the payload; if the vendor is right, tell us; then `tactics dlq retry <id>`"

REMEDIES = {
    "transient_error": _WAIT,
    "rate_limited": "let the vendor's limit recover; if it keeps happening, sync less often",
    "upstream_unavailable": "the vendor has trouble; " + _WAIT,
    "network_unreachable": "restore the network, then `tactics sync`; reports go on with held data",
    "circuit_open": "`tactics sync` tries again; `tactics breakers list` shows when, and `reset` closes it",
    "store_busy": f"end the process that holds tactics.db, then {_FLUSH}",
    "sink_unavailable": _DISK,
    "interrupted": "nothing: the next sync goes on from there; or `tactics dlq retry --transient`",
    "commit_conflict": _COMMIT,
    "commit_unknown": _COMMIT,
    "record_error": _REPORT,
    "decode_error": "the vendor sent something that is not its format; " + _AGAIN,
    "schema_violation": "correct the value where it comes from, then `tactics sync`",
    "size_violation": "raise transport.max_body_bytes or history in smaller steps; then sync",
    "mapping_error": _REPORT,
    "stream_error": _AGAIN,
    "contract_changed": "the vendor has changed its API: look for a newer tactics, then `dlq retry`",
    "cursor_rejected": _AGAIN,
    "permission_denied": "give the credential access to that account or stream, then `tactics sync`",
    "slice_too_large": _AGAIN,
    "field_rejected": "the field is left out from now on; remove it from the configuration",
    "config_error": "edit tactics.toml, then `tactics sync`",
    "credential_error": "`tactics auth set <org> <source> <name>`, then `tactics sync`",
    "credential_expired": "`tactics auth set <org> <source> <name>`, then `tactics sync`",
    "not_found_error": "check the account's id in tactics.toml, then `tactics sync`",
    "integrity_error": "run `tactics doctor` and keep the files as they are",
    "schema_version_error": "install the tactics that wrote this home, or a newer one",
    "store_corrupt": "keep a copy of tactics.db, then restore it from a backup",
    "count_mismatch": "keep the home as it is and report the run's number",
}


# A page that is in the log was fetched well: no sync asks for it again.
_PAGE = "`tactics dlq inspect <id> --payload`, mend it with `tactics dlq edit <id>`, then retry it"
REMEDIES_OF_STAGE = {
    ("bronze", "decode_error"): _PAGE,
    ("bronze", "schema_violation"): _PAGE,
    ("bronze", "mapping_error"): _PAGE,
}


def remedy_for(
    error_type: str,
    hint: str = "",
    names: Mapping[str, object] | None = None,
    *,
    stage: str = "",
) -> str:
    """Return what to do next: the error's own hint, or what is known of its class and stage.

    `names` (org, source, id) fill in the placeholders, so that a command can be pasted.
    """
    known = REMEDIES_OF_STAGE.get((stage, error_type)) or REMEDIES.get(error_type)
    text = hint or known or "`tactics dlq retry <id>`, or `tactics dlq export` it"
    for name, value in (names or {}).items():
        text = text.replace(f"<{name}>", str(value))
    return text
