"""Workflows: the Amazon States Language, read, checked and carried out.

`asl` reads a definition, `validate` says what is wrong with it, `interpret` decides what happens next and
returns it as data (`effects`), `engine` carries that out. Rule: everything but `engine` is pure; the same
signals in the same order give the same history, and that is how an execution is taken up again.
"""
