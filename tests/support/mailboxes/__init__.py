"""Accounts at each kind of calendar server, seen from both sides: what the providers' tests are held against."""
