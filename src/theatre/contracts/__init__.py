"""What one service says to another: written once, imported by both sides."""
