"""Python's collector of reference cycles, set for a process that lives long with many objects."""

import atexit
import gc

# A page or a step of scoring makes some thousand objects, nearly all of them gone by its end.
_YOUNG, _MIDDLE, _OLD = 20_000, 20, 50


def settle_collector() -> None:
    """Puts what start-up made aside for good, and looks for cycles seldomer from now on.

    The usual thresholds look through everything that is held again and again; making the demo's
    history took a sixth longer with them.
    """
    gc.collect()
    gc.freeze()
    # Extensions look at the end whether all of theirs was given back.
    atexit.register(gc.unfreeze)
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
