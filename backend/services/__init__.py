"""The rooms: one verb a use case. Each takes a unit of work first and never commits it."""
