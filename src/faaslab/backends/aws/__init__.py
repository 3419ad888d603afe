"""The user's own AWS account.

Rule: nothing here is called unless the user has named something in an account; then boto3's own
configuration holds: profiles, environment, roles, regions and endpoints.
"""
