"""Things broken on purpose, and a checker over what Slack's stand-in saw."""
