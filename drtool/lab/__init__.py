"""Two sites on one machine, of real servers."""

import gc

# What imports make stays: to look for garbage among it at every few hundred objects is a quarter
# of what one of the lab's processes takes to start.
gc.set_threshold(50_000)
