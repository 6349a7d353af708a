"""One module per command: the `main` behind `python -m study.<command>`."""
