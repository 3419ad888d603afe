"""Where finished reports go: folders, buckets, mailboxes and webhooks.

`targets` reads where, `story` holds what is told, `index`, `letter` and `hook` draw it; these decide nothing
about time, files or sockets. `folder`, `bucket`, `mail` and `webhook` carry it there, each within a bounded
time. Rule: what cannot be delivered is an answer with its reason, and never harms the run that it was for.
"""
