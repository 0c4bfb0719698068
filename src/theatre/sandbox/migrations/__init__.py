"""Scripts of the schema `sandbox`, run by `theatre.kit.migrations`."""
