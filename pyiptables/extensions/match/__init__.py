"""The matches (``-m``)."""
