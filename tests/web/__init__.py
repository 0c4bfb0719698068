"""The storefront, in front of the real services."""
