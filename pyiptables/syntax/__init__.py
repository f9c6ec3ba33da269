"""Text ⇄ rules: the scanner, the command line, save files, listings, and where the two variants differ."""
