"""The program: its process, and the services that it registers resources with."""
