"""Resource providers of the embedded engine: gRPC servers that the Pulumi CLI can load too (README.md)."""
