"""The garbage collector of a process that serves: it looks at what requests leave behind, not at the loaded code."""

import gc

YOUNG_OBJECTS = 10_000
"""After so many new objects the collector looks; the default of 700 has it look several times in one request."""


def spare_loaded() -> None:
    """Take all that is loaded by now out of the collector's rounds; called once, when a process is ready to serve.

    A full round over half a million objects of imported code takes about 100 ms, in which nobody is answered.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 50)
