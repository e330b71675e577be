"""The container images: drop-ins built from Debian, Maven and Python packages, or the public ones.

``python -m images`` is for people and for ``make``; nothing else of the project imports this package.
The program reads what it decides from ``.site.yaml`` and the public pins from ``images/registry.yaml``.
"""
