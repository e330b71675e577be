"""Resources whose operations are written here. The path of each class is part of every stack's state."""
