"""What executions mean: their cost, and the pages of analysis that the notebooks show."""
