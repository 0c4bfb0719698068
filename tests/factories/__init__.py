"""What tests make the world out of."""
