"""The emulated programs: argument list → operation on a state → text and exit code."""
