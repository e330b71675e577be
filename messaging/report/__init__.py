"""What a preview says, for people who review a change: read, classified, compared, written as Markdown."""
