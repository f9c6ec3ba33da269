"""The targets (``-j``)."""
