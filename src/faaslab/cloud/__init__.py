"""The embedded cloud: S3, SQS, DynamoDB and all the other services that functions talk to, on this machine.

Rule: it knows no lab and no store. A folder to keep things in and the address that functions are reached at
are handed to it; moto, which does the work, lives in a child process that only this process can talk to.
"""

from faaslab.cloud.clients import client
from faaslab.cloud.forwarding import Forwarded
from faaslab.cloud.process import CloudProcess

__all__ = ["CloudProcess", "Forwarded", "client"]
