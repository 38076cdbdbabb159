"""The part of Shopify's Admin schema that the simulator knows, and what a query of it costs.

Source: the shopify contract sheet of 2026-11-21, sections 3 and 6; types and arguments as in the
introspection of 2026-07. An unknown field or argument is refused, as Shopify does. Holds no data.
"""

import functools
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    build_schema,
    execute_sync,
    get_named_type,
    get_operation_ast,
    parse,
    validate,
)

_SDL = """
scalar DateTime
scalar Decimal
scalar UnsignedInt64
scalar URL
enum BulkOperationsSortKeys { COMPLETED_AT CREATED_AT }
enum OrderSortKeys { CREATED_AT CURRENT_TOTAL_PRICE ID ORDER_NUMBER PROCESSED_AT RELEVANCE UPDATED_AT }
enum CustomerSortKeys { CREATED_AT ID LOCATION NAME RELEVANCE UPDATED_AT }
enum ProductSortKeys { CREATED_AT ID INVENTORY_TOTAL PRODUCT_TYPE PUBLISHED_AT RELEVANCE TITLE UPDATED_AT VENDOR }
type MoneyV2 { amount: Decimal! currencyCode: String! }
type MoneyBag { shopMoney: MoneyV2! presentmentMoney: MoneyV2! }
type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
type UTMParameters { source: String medium: String campaign: String content: String term: String }
type CustomerVisit { source: String! landingPage: URL utmParameters: UTMParameters }
type CustomerJourneySummary { ready: Boolean! customerOrderIndex: Int lastVisit: CustomerVisit }
type Refund {
  id: ID! legacyResourceId: UnsignedInt64! createdAt: DateTime processedAt: DateTime!
  updatedAt: DateTime! note: String totalRefundedSet: MoneyBag!
}
type Order {
  id: ID! legacyResourceId: UnsignedInt64! name: String! createdAt: DateTime! processedAt: DateTime!
  updatedAt: DateTime! cancelledAt: DateTime cancelReason: String test: Boolean! edited: Boolean!
  displayFinancialStatus: String displayFulfillmentStatus: String! currencyCode: String!
  presentmentCurrencyCode: String! sourceName: String taxesIncluded: Boolean!
  paymentGatewayNames: [String!]! subtotalLineItemsQuantity: Int!
  totalPriceSet: MoneyBag! totalDiscountsSet: MoneyBag totalTaxSet: MoneyBag
  totalShippingPriceSet: MoneyBag! totalRefundedSet: MoneyBag! netPaymentSet: MoneyBag!
  customer: Customer customerJourneySummary: CustomerJourneySummary
  refunds(first: Int): [Refund!]!
  email: String clientIp: String note: String statusPageUrl: URL!
}
type CustomerEmailAddress { emailAddress: String! marketingState: String! marketingUpdatedAt: DateTime }
type MailingAddress { countryCodeV2: String city: String address1: String }
type Customer {
  id: ID! legacyResourceId: UnsignedInt64! createdAt: DateTime! updatedAt: DateTime! state: String!
  displayName: String! numberOfOrders: UnsignedInt64! amountSpent: MoneyV2! tags: [String!]!
  defaultEmailAddress: CustomerEmailAddress defaultAddress: MailingAddress
}
type ProductPriceRangeV2 { minVariantPrice: MoneyV2! maxVariantPrice: MoneyV2! }
type Product {
  id: ID! legacyResourceId: UnsignedInt64! title: String! handle: String! status: String!
  vendor: String! productType: String! createdAt: DateTime! updatedAt: DateTime!
  publishedAt: DateTime tags: [String!]! totalInventory: Int! priceRangeV2: ProductPriceRangeV2!
}
type OrderEdge { cursor: String! node: Order! }
type OrderConnection { nodes: [Order!]! edges: [OrderEdge!]! pageInfo: PageInfo! }
type CustomerEdge { cursor: String! node: Customer! }
type CustomerConnection { nodes: [Customer!]! edges: [CustomerEdge!]! pageInfo: PageInfo! }
type ProductEdge { cursor: String! node: Product! }
type ProductConnection { nodes: [Product!]! edges: [ProductEdge!]! pageInfo: PageInfo! }
type ShopPlan { publicDisplayName: String! shopifyPlus: Boolean! }
type Shop {
  id: ID! name: String! email: String! myshopifyDomain: String! currencyCode: String!
  ianaTimezone: String! plan: ShopPlan!
}
type AccessScope { handle: String! }
type AppInstallation { id: ID! accessScopes: [AccessScope!]! }
type BulkOperation {
  id: ID! type: String! status: String! errorCode: String createdAt: DateTime! completedAt: DateTime
  objectCount: UnsignedInt64! rootObjectCount: UnsignedInt64! fileSize: UnsignedInt64 url: URL
  partialDataUrl: URL query: String!
}
type BulkOperationEdge { cursor: String! node: BulkOperation! }
type BulkOperationConnection { nodes: [BulkOperation!]! edges: [BulkOperationEdge!]! pageInfo: PageInfo! }
type BulkOperationUserError { field: [String!] message: String! code: String }
type BulkOperationRunQueryPayload { bulkOperation: BulkOperation userErrors: [BulkOperationUserError!]! }
type QueryRoot {
  shop: Shop!
  currentAppInstallation: AppInstallation!
  bulkOperation(id: ID!): BulkOperation
  bulkOperations(first: Int, after: String, query: String, sortKey: BulkOperationsSortKeys = CREATED_AT, reverse: Boolean = false): BulkOperationConnection!
  orders(first: Int, after: String, query: String, sortKey: OrderSortKeys = PROCESSED_AT, reverse: Boolean = false): OrderConnection!
  customers(first: Int, after: String, query: String, sortKey: CustomerSortKeys = ID, reverse: Boolean = false): CustomerConnection!
  products(first: Int, after: String, query: String, sortKey: ProductSortKeys = ID, reverse: Boolean = false): ProductConnection!
}
type Mutation {
  bulkOperationRunQuery(query: String!, groupObjects: Boolean! = false): BulkOperationRunQueryPayload
}
schema { query: QueryRoot mutation: Mutation }
"""
_MUTATION_COST = 10
_CONNECTION_COST = 2


class Query:
    """One document, valid against the schema."""

    def __init__(self, text: str, operation: str | None = None) -> None:
        """Parse and validate.

        Raises:
            GraphQLError: Shopify would refuse it.
        """
        self.document: DocumentNode = _parse(text)
        found = get_operation_ast(self.document, operation)
        if found is None:
            raise GraphQLError("No operation named " + repr(operation))
        self.operation: OperationDefinitionNode = found

    def roots(self) -> list[FieldNode]:
        """Return the top-level fields."""
        return list(self._fields(self.operation.selection_set))

    def cost(self, variables: dict[str, Any]) -> int:
        """Return the most that the query can cost: objects count one, scalars nothing."""
        kind = self.operation.operation.value
        if kind == "mutation":
            return _MUTATION_COST
        root = _schema().query_type
        assert root is not None
        return self._cost(self.operation.selection_set, root, variables)

    def run(self, root: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Return `data`.

        Raises:
            GraphQLError: a resolver refused something.
        """
        result = execute_sync(
            _schema(),
            self.document,
            root_value=root,
            variable_values=variables,
            operation_name=self.operation.name.value if self.operation.name else None,
        )
        if result.errors:
            raise result.errors[0]
        return result.data or {}

    def _cost(
        self, selections: SelectionSetNode, parent: GraphQLObjectType, variables: dict[str, Any]
    ) -> int:
        total = 0
        for node in self._fields(selections):
            kind = get_named_type(parent.fields[node.name.value].type)
            if node.selection_set is None or not isinstance(kind, GraphQLObjectType):
                continue
            below = self._cost(node.selection_set, kind, variables)
            if kind.name.endswith("Connection"):
                total += _CONNECTION_COST + _first(node, variables) * below
            elif kind.name.endswith("Edge") or kind.name == "PageInfo":
                total += below
            else:
                total += _first(node, variables) * (1 + below)
        return total

    def _fields(self, selections: SelectionSetNode) -> list[FieldNode]:
        found: list[FieldNode] = []
        for node in selections.selections:
            if isinstance(node, FieldNode):
                found.append(node)
            if isinstance(node, InlineFragmentNode):
                found += self._fields(node.selection_set)
            if isinstance(node, FragmentSpreadNode):
                found += self._fields(self._fragment(node.name.value).selection_set)
        return found

    def _fragment(self, name: str) -> FragmentDefinitionNode:
        return next(
            node
            for node in self.document.definitions
            if isinstance(node, FragmentDefinitionNode) and node.name.value == name
        )


def count_objects(value: object) -> int:
    """Return how many objects an answer holds: what it really cost."""
    match value:
        case dict():
            return sum(
                count_objects(inner) + isinstance(inner, dict)
                for name, inner in value.items()
                if name != "pageInfo"
            )
        case list():
            return sum(count_objects(item) + isinstance(item, dict) for item in value)
        case _:
            return 0


@functools.lru_cache(maxsize=256)
def _parse(text: str) -> DocumentNode:
    """Return a document that was parsed and validated when it was first met."""
    document = parse(text)
    if errors := validate(_schema(), document):
        raise errors[0]
    return document


@functools.cache
def _schema() -> GraphQLSchema:
    return build_schema(_SDL)


def _first(node: FieldNode, variables: dict[str, Any]) -> int:
    for argument in node.arguments or ():
        if argument.name.value != "first":
            continue
        if isinstance(argument.value, VariableNode):
            return int(variables.get(argument.value.name.value) or 1)
        if isinstance(argument.value, IntValueNode):
            return int(argument.value.value)
    return 1
