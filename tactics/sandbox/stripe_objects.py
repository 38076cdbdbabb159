"""Stripe's objects as JSON, made from the shop's books.

Source: the stripe contract sheet of 2026-11-21, section 3 (shapes seen in stripe 16.1.0). Personal
data is in there on purpose: a reader must drop it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from tactics.sandbox.payments import Charge, Dispute, Payments, Payout, Refund, Txn

Document = dict[str, object]
_EVENT_DAYS = 30


@dataclass(frozen=True, slots=True)
class Item:
    """One object, and the objects that `expand` puts in place of their ids."""

    document: Document
    related: dict[str, Document] = field(default_factory=dict)


def list_items(books: Payments, kind: str) -> list[Item]:
    """Return all objects of a kind that exist by now, newest first."""
    return _KINDS[kind](books)


def _balance_transactions(books: Payments) -> list[Item]:
    sources = _sources(books)
    items = []
    for txn in books.visible():
        source = sources.get(txn.source or "")
        items.append(Item(_txn(books, txn), {"source": source} if source else {}))
    return items


def _charges(books: Payments) -> list[Item]:
    documents = _charge_documents(books)
    return [
        Item(documents[charge.charge_id], {"balance_transaction": _txn(books, charge.txn)})
        for charge in reversed(books.charges)
        if charge.created <= books.now
    ]


def _refunds(books: Payments) -> list[Item]:
    return [
        Item(_refund(books, refund), {"balance_transaction": _txn(books, refund.txn)})
        for refund in sorted(books.refunds, key=lambda refund: -refund.created)
        if refund.created <= books.now
    ]


def _disputes(books: Payments) -> list[Item]:
    return [
        Item(_dispute(books, dispute))
        for dispute in sorted(books.disputes, key=lambda dispute: -dispute.created)
        if dispute.created <= books.now
    ]


def _payouts(books: Payments) -> list[Item]:
    return [
        Item(_payout(books, payout), {"balance_transaction": _txn(books, payout.txn)})
        for payout in reversed(books.payouts)
        if payout.created <= books.now
    ]


def _events(books: Payments) -> list[Item]:
    """Return the change feed: thirty days, and for refunds incomplete, as it is."""
    made = [("charge.succeeded", item) for item in _charges(books)]
    made += [("charge.dispute.created", item) for item in _disputes(books)]
    made += [(f"payout.{item.document['status']}", item) for item in _payouts(books)]
    oldest = books.now - _EVENT_DAYS * 86_400
    recent = [(name, item.document) for name, item in made if _created(item) >= oldest]
    recent.sort(key=lambda pair: -int(str(pair[1]["created"])))
    return [
        Item({
            "id": f"evt_{document['id']}",
            "object": "event",
            "type": name,
            "created": document["created"],
            "livemode": False,
            "data": {"object": document},
        })
        for name, document in recent
    ]


_KINDS: dict[str, Callable[[Payments], list[Item]]] = {
    "balance_transactions": _balance_transactions,
    "charges": _charges,
    "refunds": _refunds,
    "disputes": _disputes,
    "payouts": _payouts,
    "events": _events,
}


def _created(item: Item) -> int:
    return int(str(item.document["created"]))


def _sources(books: Payments) -> dict[str, Document]:
    found = _charge_documents(books)
    found |= {refund.refund_id: _refund(books, refund) for refund in books.refunds}
    found |= {dispute.dispute_id: _dispute(books, dispute) for dispute in books.disputes}
    return found | {payout.payout_id: _payout(books, payout) for payout in books.payouts}


def _charge_documents(books: Payments) -> dict[str, Document]:
    refunded = {
        refund.charge.charge_id: refund.amount
        for refund in books.refunds
        if refund.created <= books.now and not _happened(books, refund.failure)
    }
    disputed = {
        dispute.charge.charge_id for dispute in books.disputes if dispute.created <= books.now
    }
    return {
        charge.charge_id: _charge(
            charge, refunded.get(charge.charge_id, 0), charge.charge_id in disputed
        )
        for charge in books.charges
    }


def _happened(books: Payments, txn: Txn | None) -> bool:
    return txn is not None and txn.created <= books.now


def _txn(books: Payments, txn: Txn) -> Document:
    fees = [
        {
            "amount": txn.fee,
            "application": None,
            "currency": txn.currency.lower(),
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]
    return {
        "id": txn.txn_id,
        "object": "balance_transaction",
        "amount": txn.amount,
        "available_on": txn.available_on,
        "balance_type": "payments",
        "created": txn.created,
        "currency": txn.currency.lower(),
        "description": None if txn.type == "charge" else txn.type.replace("_", " ").upper(),
        "exchange_rate": txn.exchange_rate,
        "fee": txn.fee,
        "fee_details": fees if txn.fee else [],
        "net": txn.net,
        "reporting_category": txn.reporting_category,
        "source": txn.source,
        "status": books.status(txn),
        "type": txn.type,
    }


def _charge(charge: Charge, refunded: int, disputed: object) -> Document:
    return {
        "id": charge.charge_id,
        "object": "charge",
        "amount": charge.amount,
        "amount_captured": charge.amount,
        "amount_refunded": refunded,
        "balance_transaction": charge.txn.txn_id,
        "billing_details": {
            "email": charge.customer,
            "name": f"Customer of {charge.order}",
            "phone": "+43 1 555 0100",
            "address": {"city": "Wien", "country": "AT", "line1": "Testgasse 1"},
        },
        "captured": True,
        "created": charge.created,
        "currency": charge.currency.lower(),
        "customer": f"cus_{charge.charge_id[-14:]}",
        "description": f"Order {charge.order} for {charge.customer}",
        "disputed": disputed,
        "failure_code": None,
        "livemode": False,
        "metadata": {"order_id": charge.order},
        "paid": True,
        "payment_intent": f"pi_{charge.charge_id[3:]}",
        "payment_method_details": {"type": "card", "card": {"last4": "4242", "brand": "visa"}},
        "receipt_email": charge.customer,
        "refunded": refunded >= charge.amount,
        "status": "succeeded",
    }


def _refund(books: Payments, refund: Refund) -> Document:
    failed = _happened(books, refund.failure)
    settled = books.status(refund.txn) == "available"
    return {
        "id": refund.refund_id,
        "object": "refund",
        "amount": refund.amount,
        "balance_transaction": refund.txn.txn_id,
        "charge": refund.charge.charge_id,
        "created": refund.created,
        "currency": refund.txn.currency.lower(),
        "failure_balance_transaction": refund.failure.txn_id if refund.failure and failed else None,
        "metadata": {"order_id": refund.charge.order},
        "payment_intent": f"pi_{refund.charge.charge_id[3:]}",
        "reason": "requested_by_customer",
        "status": "failed" if failed else "succeeded" if settled else "pending",
    }


def _dispute(books: Payments, dispute: Dispute) -> Document:
    closed = dispute.closes_at <= books.now and dispute.outcome != "under_review"
    status = dispute.outcome if closed else "under_review"
    booked = [txn for txn in (dispute.txn, dispute.reversal) if txn and txn.created <= books.now]
    return {
        "id": dispute.dispute_id,
        "object": "dispute",
        "amount": dispute.charge.txn.amount,
        "balance_transactions": [_txn(books, txn) for txn in booked],
        "charge": dispute.charge.charge_id,
        "created": dispute.created,
        "currency": dispute.txn.currency.lower(),
        "evidence": {"customer_email_address": dispute.charge.customer},
        "livemode": False,
        "metadata": {},
        "reason": "fraudulent",
        "status": status,
    }


def _payout(books: Payments, payout: Payout) -> Document:
    failed = _happened(books, payout.failure)
    arrived = payout.arrival <= books.now
    return {
        "id": payout.payout_id,
        "object": "payout",
        "amount": payout.amount,
        "arrival_date": payout.arrival,
        "automatic": True,
        "balance_transaction": payout.txn.txn_id,
        "created": payout.created,
        "currency": payout.currency.lower(),
        "destination": "ba_sandbox",
        "failure_balance_transaction": payout.failure.txn_id if payout.failure and failed else None,
        "livemode": False,
        "method": "standard",
        "reconciliation_status": "completed",
        "status": "failed" if failed else "paid" if arrived else "in_transit",
        "type": "bank_account",
    }
