"""One module a surface: parse, one service call, answer; slow parts run after Slack's 200."""
