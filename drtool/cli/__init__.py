"""Parse, call a verb, show."""

import gc

# What imports make stays: to look for garbage among it at every few hundred objects is a quarter
# of what a command takes to start.
gc.set_threshold(50_000)
