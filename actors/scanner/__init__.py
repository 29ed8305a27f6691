"""Looks at all markets once per second of venue time, asks the strategies, and publishes signals."""
