"""Prepares a machine for the platform: the operating system's packages and a running Docker engine.

Runs before the virtual environment exists, so it uses Python's standard library alone. It leaves the
virtual environment to the Makefile and the container images to the ``images`` package.
"""
