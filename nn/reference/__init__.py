"""The definition, in NumPy: one readable function for each piece of maths.

Complex-safe, so that the complex step can prove it.
"""
