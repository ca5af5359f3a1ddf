"""Trials of the promises: processes are killed, frozen and cut off in the middle of a run, and the books compared."""
