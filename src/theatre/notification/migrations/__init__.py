"""Scripts of the schema `notification`, in order."""
