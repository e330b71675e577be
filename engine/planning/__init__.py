"""From what the program wants to the steps that bring it about. Decides; does nothing."""
