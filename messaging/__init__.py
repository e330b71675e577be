"""What operators and applications import: light by itself, with extras for command line and console."""
