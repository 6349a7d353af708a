"""The page that a person reads after a run, and the pictures beside it."""
