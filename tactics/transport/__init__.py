"""The only way out to the network."""

from tactics.transport.message import Request, Response, get, post_form, post_json

__all__ = ["Request", "Response", "get", "post_form", "post_json"]
