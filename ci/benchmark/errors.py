"""What can go wrong, with words for whoever started the bench."""


class BenchError(Exception):
    """Nothing can be measured, or not this."""
