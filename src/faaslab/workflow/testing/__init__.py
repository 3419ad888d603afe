"""One state tried by itself, as TestState does it: with a mock in place of what the state would call.

Rule: pure. What an API answers is said by models that are handed in; who carries a state out is not known
here.
"""
