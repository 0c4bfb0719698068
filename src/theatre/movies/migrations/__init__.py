"""Scripts of the schema `movies`, in order."""
