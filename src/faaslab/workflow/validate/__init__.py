"""What is wrong with a definition, in Step Functions' words, with where it is. Pure."""
