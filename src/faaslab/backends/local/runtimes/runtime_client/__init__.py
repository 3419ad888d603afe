"""A runtime client of our own, for where AWS's cannot be installed (its wheels are for Linux).

Rule: it runs in the function's process, on any Python from 3.9 on, so it imports nothing but the standard
library and itself, and as little of that as it can. What a handler, a log reader or the Runtime API can see
of it is as with awslambdaric 4: same contract, same tests.
"""
