"""The wire: AWS's protocols on one loopback port, so that any AWS SDK is a client of the Lab.

Rule: what AWS's service models say is read from botocore and never written by hand; a handler gets a parsed,
checked request and gives back a plain mapping. Whatever is not ours goes to the embedded cloud as it came.
"""
