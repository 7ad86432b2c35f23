"""Imported last: what is alive now lives in every run, and no collection looks at it."""

import gc
import random

gc.collect()
for generator in gc.get_objects():
    # Randomness must never come out of the snapshot; `shim/python.patch` has this method.
    if isinstance(generator, random.Random) and not isinstance(generator, random.SystemRandom):
        generator._seed_later()
del generator
gc.collect()
gc.freeze()
