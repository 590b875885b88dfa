"""A strict stand-in for one Slack workspace with one app installed."""
