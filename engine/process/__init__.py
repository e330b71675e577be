"""Child processes: started or forked, read line by line, ended with the engine."""
