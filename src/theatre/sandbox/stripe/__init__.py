"""The sandbox as Stripe: sessions, payment intents and refunds over the payments that both faces share."""
