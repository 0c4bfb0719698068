"""Short links: made by our services for a payment or a confirmation, followed by anyone who has the code."""
