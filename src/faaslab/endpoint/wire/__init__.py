"""AWS's protocols as a server speaks them: requests are parsed and checked, answers written, by the model.

Rule: pure. Nothing here knows of the Lab, of sockets or of time; the models come from botocore's own files.
"""

from faaslab.endpoint.wire.service import Service

__all__ = ["Service"]
