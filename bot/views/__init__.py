"""What people see in Slack: one pure module a surface, from records to blocks and back."""
