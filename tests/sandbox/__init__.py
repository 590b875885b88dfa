"""Strict stand-ins for the services the bot talks to, over real sockets."""
