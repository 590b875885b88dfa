"""A strict stand-in for Microsoft: Entra's login and the parts of Graph that the product meets.

Where Microsoft documents nothing, `knobs` says what is assumed, and lets it be changed.
"""
