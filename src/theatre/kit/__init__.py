"""What every service stands on and what knows no business of its own."""
