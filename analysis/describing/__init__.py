"""How `analysis.describe` looks for the shortest description: code lengths, guesses from the data, moves."""
