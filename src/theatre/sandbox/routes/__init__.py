"""The doors: the merchant's API, the payer's page, and the tester's control panel."""
