"""Guardrails of the messaging platform, by theme. They share no code with the program that they judge."""
