"""The suite: rules without I/O, rooms on real servers, flows through the whole house."""
