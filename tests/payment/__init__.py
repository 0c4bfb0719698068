"""Payment: attempts, refunds, callbacks, on real servers and against the sandbox."""
