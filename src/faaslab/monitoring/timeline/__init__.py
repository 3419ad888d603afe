"""What invocations did when: a function's bars by environment, how many ran at once, the phases of one. Pure.

Rule: what was not recorded is not drawn as if it had been; a picture that leaves out or joins says so.
"""
