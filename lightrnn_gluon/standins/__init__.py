"""Stand-in texts for corpora that cannot be had by package name."""
