"""What `docs/architecture.md` promises and a program can check."""
