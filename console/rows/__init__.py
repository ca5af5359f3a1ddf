"""Frozen rows as pages show them: service rows put into words. Pure, without a database."""
