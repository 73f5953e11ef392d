"""What keeps a running Millwright in order: watching it, backup, deletion, checks at start."""
