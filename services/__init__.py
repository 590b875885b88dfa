"""The rules: life-cycle, policy, requests, files, sync, audit, and the ports to the outside."""
