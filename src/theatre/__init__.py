"""Online Theatre: an online cinema as services over one small kit."""

__version__ = "0.1.0"
