"""What people touch: Slack, the command line, HTTP and the clock's ticks."""
