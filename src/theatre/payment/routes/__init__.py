"""Payment's doors: for our services, for providers and browsers, and the page of return."""
