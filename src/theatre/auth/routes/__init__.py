"""Auth's HTTP doors: public, of the signed-in user, and internal."""
