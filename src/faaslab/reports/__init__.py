"""Reports: a notebook and its parameters in, a page that needs no network out.

The notebook runs in a kernel of its own below a process of its own, so that a report can neither block nor
break whoever asked for it, and several can run at once.
"""
