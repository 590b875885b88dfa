"""The demo: the real bot between a Slack, an Apple and a clock that one uses in a browser."""
