"""Scripts of the schema `short_link`, in order."""
