"""The types of the actions."""
