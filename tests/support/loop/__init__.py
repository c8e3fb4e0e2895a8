"""The whole loop in one process, with everything that can go wrong in it at the hands of a test."""
