"""The guest's side of the contract in `guests/CONTRACT.md`, made once and kept in the snapshot."""

#: The file name that a program has in tracebacks.
PROGRAM = "program.py"
