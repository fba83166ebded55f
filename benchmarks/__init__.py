"""How fast everything is, beside what bounds it: `python -m benchmarks`, see :mod:`benchmarks.__main__`."""
