"""Clients that know nothing of faaslab."""

import boto3
from botocore.config import Config


def client(address, service="lambda", *, attempts=1, read_timeout=60, **more):
    """boto3's, for the endpoint at `address`; without retries that would hide an error."""
    return boto3.client(
        service,
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(
            retries={"total_max_attempts": attempts},
            read_timeout=read_timeout,
            max_pool_connections=64,
            **more,
        ),
    )
