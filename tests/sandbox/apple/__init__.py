"""A strict stand-in for Apple: the device-enrollment web service and the portal beside it.

`Apple` in `service` is the whole of it; `Mint` in `mint` makes server token files alone.
"""
