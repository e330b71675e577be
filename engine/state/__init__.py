"""The state of a stack: what a whole one is, how it changes during a run, and the folder it lies in."""
