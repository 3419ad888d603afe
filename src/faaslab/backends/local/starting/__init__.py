"""How the process of an environment is started: anew, in a sandbox, or as the fork of a template."""
