"""What people and machines see of a run. Consumes events; decides nothing about resources."""
