"""Marketing data you can trust: ads, bookings and revenue, on one machine."""

__version__ = "0.1.0"
