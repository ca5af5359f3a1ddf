"""How often a process that serves or sends looks for garbage that counting references does not find."""

import gc

GARBAGE = (50_000, 20, 10)
"""New containers before a young, young ones before a middle, and middle ones before a full collection."""


def collect_seldom() -> None:
    """What is loaded by now stays for good, and what passes through leaves hardly a cycle behind: looking for them
    took a tenth of a push, and half of reading a batch of events."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)
