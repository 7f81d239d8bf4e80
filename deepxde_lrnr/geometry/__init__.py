"""Points outside of a geometry, and the inverse of a map of it, in NumPy alone."""
