"""What exists: one component a file, and the pure modules that decide for them.

Nothing is imported here: the dynamic providers below are loaded by a process that needs none of the rest.
"""
