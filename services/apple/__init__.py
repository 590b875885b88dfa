"""The program `apple`: this service holds the token itself, towards Apple."""
