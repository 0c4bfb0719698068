"""Payment: sends people to payment systems, takes what those say, and tells billing what became of the money."""
