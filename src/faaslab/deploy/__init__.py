"""What a function's code becomes before a backend gets it: the deployment package."""
