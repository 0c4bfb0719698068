"""The storefront: server-rendered pages over the public doors of auth and billing. It keeps no data."""
