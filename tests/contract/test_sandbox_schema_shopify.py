"""Shopify's published Admin schema judges what we ask, what the simulator answers, and what it knows."""

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    NoDeprecatedCustomRule,
    build_schema,
    execute_sync,
    get_named_type,
    parse,
    specified_rules,
    validate,
)

from tactics.connectors.shopify import connector
from tactics.model import Window
from tactics.sandbox import Fault, Sandbox, World, serve
from tactics.sandbox.api import Call, Reply
from tactics.sandbox.scene import Limits
from tactics.sandbox.shopify_schema import _schema
from tests.lab import TODAY
from tests.unit.connectors.shopify.rig import open_rig

PUBLISHED = Path(__file__).parent / "shopify_2026-07.graphql"
WEEK = Window(TODAY - dt.timedelta(days=7), TODAY)
STREAMS = ("orders", "refunds", "customers", "products")


def scalar_checks() -> dict[str, Any]:
    """Return how values of Shopify's own scalars are written; anything else raises."""
    return {
        "DateTime": dt.datetime.fromisoformat,
        "Decimal": Decimal,
        "UnsignedInt64": int,
        "URL": lambda text: text.index("://"),
    }


@pytest.fixture(scope="module")
def published() -> GraphQLSchema:
    """Return what Shopify has published; its scalars refuse what Shopify would not write."""
    schema = build_schema(PUBLISHED.read_text(encoding="utf-8"))
    for name, check in scalar_checks().items():
        kind = schema.type_map[name]
        assert isinstance(kind, GraphQLScalarType)

        def serialize(value: Any, check: Any = check) -> Any:
            assert isinstance(value, str)
            check(value)
            return value

        kind.serialize = serialize  # type: ignore[method-assign]
    return schema


class Recording(World):
    """A world that remembers what was said over GraphQL, and the files of bulk operations."""

    def __init__(self) -> None:
        limits = Limits(shopify_points_per_second=10_000)
        super().__init__(today=TODAY, days=8, sources=("shopify", "stripe"), limits=limits)
        self.said: list[tuple[dict[str, Any], Any]] = []
        self.files: list[bytes] = []

    def answer(self, call: Call) -> Reply:
        """Return what the shop says."""
        reply = super().answer(call)
        if call.path.endswith("graphql.json"):
            self.said.append((json.loads(call.body), reply.document))
        elif call.method == "GET":
            self.files.append(reply.content())
        return reply


def fetch_all(world: Recording, sandbox: Sandbox, org_id: str, *, bulk_over_days: int) -> None:
    """Fetch every stream of a shop by pages, or in bulk."""
    with open_rig(world, sandbox, org_id, bulk_over_days=bulk_over_days) as rig:
        for stream in STREAMS:
            rig.fetch(rig.work(stream, WEEK, deep=bool(bulk_over_days)))


@pytest.fixture(scope="module")
def world() -> Iterator[Recording]:
    """Return a world in which everything was fetched, by pages and by bulk operation."""
    world = Recording()
    with serve(world) as sandbox:
        fetch_all(world, sandbox, "acme", bulk_over_days=0)
        fetch_all(world, sandbox, "globex", bulk_over_days=1)
        yield world


def complaints(schema: GraphQLSchema, text: str) -> list[str]:
    """Return what the schema has against a query, deprecated fields included."""
    found = validate(schema, parse(text), [*specified_rules, NoDeprecatedCustomRule])
    return [error.message for error in found]


def replay(schema: GraphQLSchema, asked: dict[str, Any], data: Any) -> Any:
    """Return what the published schema makes of an answer: the same, if it is one of its own."""

    def resolve(source: Any, info: Any, **_: Any) -> Any:
        return source.get(info.path.key)  # the answer's key is the alias, if there is one

    result = execute_sync(
        schema,
        parse(asked["query"]),
        root_value=data,
        variable_values=asked.get("variables"),
        field_resolver=resolve,
    )
    assert result.errors is None
    return result.data


def test_our_queries_are_in_the_published_schema(world: Recording, published: GraphQLSchema):
    """Pages, bulk operations and the queries inside of them; none asks for what is deprecated."""
    texts = {asked["query"] for asked, _ in world.said}
    inner = {
        asked["variables"]["query"] for asked, _ in world.said if "RunQuery(" in asked["query"]
    }
    assert len(inner) == len(STREAMS)
    assert len(texts) >= 2 * len(STREAMS) - 1
    assert {text: found for text in texts | inner if (found := complaints(published, text))} == {}


def test_the_simulators_answers_are_of_the_published_schema(
    world: Recording, published: GraphQLSchema
):
    """Types, enums, numbers written as text, and nothing missing that is never null."""
    assert len(world.said) > 20
    for asked, document in world.said:
        assert replay(published, asked, document["data"]) == document["data"]


def test_operations_that_go_wrong_are_of_the_published_schema(published: GraphQLSchema):
    """States, error codes and errors of the user are Shopify's words."""
    world = Recording()
    names = sorted(name for name in world.faults.known["shopify"] if name.startswith("bulk_"))
    names.remove("bulk_new_state")  # a state that Shopify may add one day
    with serve(world) as sandbox, open_rig(world, sandbox, bulk_over_days=1) as rig:
        planted = [world.faults.plant(Fault(name, "shopify")) for name in names]
        rig.fetch(rig.work("orders", WEEK, deep=True))
    assert all(fault.fired for fault in planted)
    for asked, document in world.said:
        assert replay(published, asked, document["data"]) == document["data"]


def test_the_lines_of_a_bulk_file_are_nodes_of_its_query(
    world: Recording, published: GraphQLSchema
):
    """Each line is what the query inside selects."""
    inner = [
        asked["variables"]["query"] for asked, _ in world.said if "RunQuery(" in asked["query"]
    ]
    assert len(world.files) == len(inner)
    for text, body in zip(inner, world.files, strict=True):
        root = text.split()[1].partition("(")[0]
        lines = [json.loads(line) for line in body.splitlines()]
        data = {root: {"edges": [{"node": line} for line in lines]}}
        assert lines
        assert replay(published, {"query": text}, data) == data


def test_what_the_simulator_knows_is_published(published: GraphQLSchema):
    """Each of its fields and arguments is Shopify's; enums of answers may be plain text there."""
    for name, kind in _schema().type_map.items():
        if name.startswith("__"):
            continue
        official = published.type_map[name]
        if isinstance(kind, GraphQLEnumType):
            assert isinstance(official, GraphQLEnumType)
            assert (name, set(kind.values) - set(official.values)) == (name, set())
        if isinstance(kind, GraphQLObjectType):
            assert isinstance(official, GraphQLObjectType)
            differing = {field for field in kind.fields if not same(kind, official, field)}
            assert (name, differing) == (name, set())


def same(mine: GraphQLObjectType, official: GraphQLObjectType, field: str) -> bool:
    """Return whether a field is Shopify's, and each of its arguments."""
    if field not in official.fields:
        return False
    one, other = mine.fields[field], official.fields[field]
    wanted = str(other.type)
    if isinstance(get_named_type(other.type), GraphQLEnumType):
        wanted = wanted.replace(get_named_type(other.type).name, "String")
    arguments = {name: (str(arg.type), arg.default_value) for name, arg in one.args.items()}
    offered = {name: (str(arg.type), arg.default_value) for name, arg in other.args.items()}
    return str(one.type) == wanted and arguments.items() <= offered.items()


def test_the_facts_are_of_our_version():
    """Whoever moves the connector to another version has to look its facts up again."""
    assert connector.manifest.api_version == PUBLISHED.stem.removeprefix("shopify_")
