"""Billing: prices, payments, refunds, subscriptions, rights to watch and the ledger of all money."""
