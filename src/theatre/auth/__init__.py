"""Users, their sessions and roles; the tokens by which every other service knows who calls."""
