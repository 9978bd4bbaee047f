"""Causes among findings, and findings as text."""
