"""The embedded engine: runs Pulumi programs where the Pulumi CLI cannot be installed. See README.md."""

import os

# Before gRPC is loaded anywhere: what it would say on standard error about connections is no news for people.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
