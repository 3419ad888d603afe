"""What is in the cloud survives its process, whichever way that ends, and comes back the same."""

import contextlib
import json
import threading

import pytest

NOWHERE = "http://127.0.0.1:9"
SIGNED = "AWS4-HMAC-SHA256 Credential="


WAYS = pytest.mark.parametrize("way", ["close", "kill", "journal alone"])


def everything(lives):
    """Something of each service, and what a question about it answers."""
    client = lives.client
    s3, sqs, dynamodb = client("s3"), client("sqs"), client("dynamodb")
    s3.create_bucket(Bucket="bucket")
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket="bucket", Key="k", Body=b"small", Metadata={"a_b": "c"})["VersionId"]
    s3.put_object(Bucket="bucket", Key="large", Body=b"large" * 100_000)
    url = sqs.create_queue(QueueName="queue")["QueueUrl"]
    ids = [sqs.send_message(QueueUrl=url, MessageBody=f"{number}")["MessageId"] for number in range(3)]
    dynamodb.create_table(
        TableName="table",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    dynamodb.put_item(TableName="table", Item={"id": {"S": "1"}, "n": {"N": "1.5"}})
    cognito = client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="pool")["UserPool"]["Id"]
    cognito.create_user_pool_client(UserPoolId=pool, ClientName="app")
    secret = client("secretsmanager").create_secret(Name="secret", SecretString="s")["ARN"]
    client("ssm").put_parameter(Name="/p", Value="v", Type="String")
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"open")["CiphertextBlob"]
    signing = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    public = kms.get_public_key(KeyId=signing)["PublicKey"]
    access = client("iam").create_user(UserName="u") and client("iam").create_access_key(UserName="u")
    topic = client("sns").create_topic(Name="topic")["TopicArn"]
    subscription = client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:000000000000:queue"
    )["SubscriptionArn"]
    kinesis = client("kinesis")
    kinesis.create_stream(StreamName="stream", ShardCount=1)
    sequence = kinesis.put_record(StreamName="stream", Data=b"d", PartitionKey="p")["SequenceNumber"]
    client("events").put_rule(Name="rule", EventPattern='{"source": ["shop"]}')
    client("scheduler").create_schedule(
        Name="schedule",
        ScheduleExpression="rate(5 minutes)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": "arn:aws:sqs:us-east-1:000000000000:q", "RoleArn": "arn:aws:iam::000000000000:role/r"},
    )
    logs = client("logs")
    logs.create_log_group(logGroupName="group")
    logs.create_log_stream(logGroupName="group", logStreamName="stream")
    client("cloudwatch").put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": 1}])
    role = client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")["Role"]
    client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="session")
    client("ses").verify_email_identity(EmailAddress="a@example.org")
    api = client("apigateway").create_rest_api(name="api")["id"]
    client("firehose").list_delivery_streams()
    client("stepfunctions").list_state_machines()
    client("ecr").describe_repositories()
    # EC2's network is made by the question, and its identifier is used by the change.
    ec2 = client("ec2")
    network = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnet = ec2.create_subnet(VpcId=network, CidrBlock="172.31.250.0/24")["Subnet"]["SubnetId"]

    def same():
        s3, kms, sns = client("s3"), client("kms"), client("sns")
        got = s3.get_object(Bucket="bucket", Key="k")
        assert (got["Body"].read(), got["VersionId"], got["Metadata"]) == (b"small", version, {"a_b": "c"})
        assert s3.get_object(Bucket="bucket", Key="large")["Body"].read() == b"large" * 100_000
        sqs = client("sqs")
        received = []
        while more := sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, AttributeNames=["All"]
        ).get("Messages"):
            received += more
            for message in more:
                sqs.change_message_visibility(
                    QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=600
                )
        assert {message["MessageId"] for message in received} == set(ids)
        dynamodb = client("dynamodb")
        item = dynamodb.get_item(TableName="table", Key={"id": {"S": "1"}})["Item"]
        assert float(item["n"]["N"]) == 1.5
        [app] = client("cognito-idp").list_user_pool_clients(UserPoolId=pool, MaxResults=5)["UserPoolClients"]
        assert app["ClientName"] == "app"
        assert client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"] == "s"
        assert client("ssm").get_parameter(Name="/p")["Parameter"]["Value"] == "v"
        assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"open"
        assert kms.get_public_key(KeyId=signing)["PublicKey"] == public
        [known] = client("iam").list_access_keys(UserName="u")["AccessKeyMetadata"]
        assert known["AccessKeyId"] == access["AccessKey"]["AccessKeyId"]
        [found] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        assert found["SubscriptionArn"] == subscription
        kinesis = client("kinesis")
        [shard] = kinesis.list_shards(StreamName="stream")["Shards"]
        at = kinesis.get_shard_iterator(
            StreamName="stream", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        assert [one["SequenceNumber"] for one in kinesis.get_records(ShardIterator=at)["Records"]] == [
            sequence
        ]
        assert client("events").describe_rule(Name="rule")["State"] == "ENABLED"
        assert client("scheduler").get_schedule(Name="schedule")
        [stream] = client("logs").describe_log_streams(logGroupName="group")["logStreams"]
        assert stream["logStreamName"] == "stream"
        assert client("cloudwatch").list_metrics(Namespace="n")["Metrics"]
        assert client("iam").get_role(RoleName="role")["Role"]["RoleId"] == role["RoleId"]
        assert client("ses").list_identities()["Identities"] == ["a@example.org"]
        assert client("apigateway").get_rest_api(restApiId=api)["name"] == "api"
        [found] = client("ec2").describe_subnets(SubnetIds=[subnet])["Subnets"]
        assert found["VpcId"] == network
        for message in received:
            sqs.change_message_visibility(
                QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )

    return same


@WAYS
def test_everything_comes_back_the_same(lives, way):
    same = everything(lives)
    same()
    lives.again(way)
    same()
    # And what comes back can be worked with, and comes back again.
    lives.client("s3").put_object(Bucket="bucket", Key="more", Body=b"more")
    lives.again(way)
    same()
    assert lives.client("s3").get_object(Bucket="bucket", Key="more")["Body"].read() == b"more"
    assert "Traceback" not in (lives.folder / "cloud.log").read_text()


@WAYS
def test_a_bucket_that_is_made_again_keeps_what_is_in_it(lives, way):
    s3 = lives.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"x")
    lives.again(way)
    s3 = lives.client("s3")
    s3.create_bucket(Bucket="bucket")  # in us-east-1 no error, as on AWS
    assert s3.get_object(Bucket="bucket", Key="k")["Body"].read() == b"x"
    with pytest.raises(s3.exceptions.ClientError, match="BucketAlreadyOwnedByYou"):
        lives.client("s3", "eu-west-1").create_bucket(
            Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )


@WAYS
def test_times_are_those_of_then(lives, way):
    s3, sqs = lives.client("s3"), lives.client("sqs")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"x")
    url = sqs.create_queue(QueueName="queue")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="m")

    def times():
        s3, sqs = lives.client("s3"), lives.client("sqs")
        made = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["CreatedTimestamp"])["Attributes"]
        return (
            s3.list_buckets()["Buckets"][0]["CreationDate"],
            s3.head_object(Bucket="bucket", Key="k")["LastModified"],
            made["CreatedTimestamp"],
        )

    before = times()
    lives.again(way)
    assert times() == before


@WAYS
def test_a_received_message_stays_received_and_a_deleted_one_deleted(lives, way):
    sqs = lives.client("sqs")
    url = sqs.create_queue(QueueName="queue", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    for name in ("deleted", "received", "waiting"):
        sqs.send_message(QueueUrl=url, MessageBody=name)
    first, second = (sqs.receive_message(QueueUrl=url)["Messages"][0] for _ in range(2))
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert "Messages" in sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)
    lives.again(way)
    sqs = lives.client("sqs")
    [third] = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert third["Body"] == "waiting"
    # The handle that was given out before is good still.
    sqs.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])
    sqs.delete_message(QueueUrl=url, ReceiptHandle=third["ReceiptHandle"])
    sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    lives.again(way)
    left = lives.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert left["ApproximateNumberOfMessages"] == left["ApproximateNumberOfMessagesNotVisible"] == "0"


@WAYS
def test_what_a_long_poll_got_is_not_given_again(lives, way):
    sqs = lives.client("sqs")
    url = sqs.create_queue(QueueName="queue", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    found = []
    poll = threading.Thread(
        target=lambda: found.extend(
            lives.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
        )
    )
    poll.start()
    sqs.send_message(QueueUrl=url, MessageBody="m")
    poll.join()
    lives.again(way)
    assert "Messages" not in lives.client("sqs").receive_message(QueueUrl=url)
    lives.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=found[0]["ReceiptHandle"])


@WAYS
def test_private_keys_and_what_they_signed_are_those_of_before(lives, way):
    acm, kms, ec2 = (lives.client(name) for name in ("acm", "kms", "ec2"))
    certificate = acm.request_certificate(DomainName="example.org")["CertificateArn"]
    text = acm.get_certificate(CertificateArn=certificate)["Certificate"]
    authority = lives.client("acm-pca").create_certificate_authority(
        CertificateAuthorityConfiguration={
            "KeyAlgorithm": "RSA_2048",
            "SigningAlgorithm": "SHA256WITHRSA",
            "Subject": {"CommonName": "a"},
        },
        CertificateAuthorityType="ROOT",
    )["CertificateAuthorityArn"]
    signatures = {}
    for spec, algorithm in (("RSA_2048", "RSASSA_PSS_SHA_256"), ("ECC_NIST_P256", "ECDSA_SHA_256")):
        key = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        given = {"KeyId": key, "Message": b"m", "SigningAlgorithm": algorithm}
        signatures[key] = {**given, "Signature": kms.sign(**given)["Signature"]}
    prints = [
        ec2.create_key_pair(KeyName=kind, KeyType=kind)["KeyFingerprint"] for kind in ("rsa", "ed25519")
    ]

    def same():
        kms = lives.client("kms")
        for signed in signatures.values():
            assert kms.verify(**signed)["SignatureValid"]
        assert lives.client("acm").get_certificate(CertificateArn=certificate)["Certificate"] == text
        pairs = lives.client("ec2").describe_key_pairs(KeyNames=["rsa", "ed25519"])["KeyPairs"]
        assert [pair["KeyFingerprint"] for pair in pairs] == prints
        found = lives.client("acm-pca").list_certificate_authorities()["CertificateAuthorities"]
        assert [one["Arn"] for one in found] == [authority]

    lives.again(way)
    same()
    # Once on top of whatever was made of it, too.
    lives.client("sqs").create_queue(QueueName="queue")
    lives.again("close")
    same()
    assert "Traceback" not in (lives.folder / "cloud.log").read_text()


@WAYS
def test_a_place_in_a_stream_of_before_is_good_or_expired(lives, way):
    arn = lives.client("dynamodb").create_table(
        TableName="table",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]["LatestStreamArn"]
    streams = lives.client("dynamodbstreams")
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    asked = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    first = streams.get_shard_iterator(**asked)["ShardIterator"]
    place = streams.get_records(ShardIterator=first)["NextShardIterator"]
    lives.again(way)
    streams = lives.client("dynamodbstreams")
    if way == "close":
        assert streams.get_records(ShardIterator=place)["Records"] == []
    else:
        with pytest.raises(streams.exceptions.ExpiredIteratorException):
            streams.get_records(ShardIterator=place)
    again = streams.get_shard_iterator(**asked)["ShardIterator"]
    assert streams.get_records(ShardIterator=again)["Records"] == []


def test_pages_that_were_begun_do_not_end_all_snapshots(lives):
    ssm = lives.client("ssm")
    for number in range(3):
        ssm.put_parameter(
            Name=f"/{number}", Value="v", Type="String", Tags=[{"Key": "a", "Value": f"{number}"}]
        )
    found = lives.client("resourcegroupstaggingapi").get_resources(ResourcesPerPage=1)
    assert found["PaginationToken"]
    lives.again("close")
    assert (lives.folder / "snapshot").exists()
    assert len(lives.client("resourcegroupstaggingapi").get_resources()["ResourceTagMappingList"]) == 3
    assert "Traceback" not in (lives.folder / "cloud.log").read_text()


@WAYS
def test_a_second_factor_stays_on(lives, way):
    cognito = lives.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="pool")["UserPool"]["Id"]
    app = cognito.create_user_pool_client(UserPoolId=pool, ClientName="app")["UserPoolClient"]["ClientId"]
    cognito.admin_create_user(UserPoolId=pool, Username="u", TemporaryPassword="Passw0rd!")
    cognito.admin_set_user_password(UserPoolId=pool, Username="u", Password="Passw0rd!!", Permanent=True)
    asked = {
        "ClientId": app,
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": "u", "PASSWORD": "Passw0rd!!"},
    }
    token = cognito.initiate_auth(**asked)["AuthenticationResult"]["AccessToken"]
    cognito.associate_software_token(AccessToken=token)
    cognito.verify_software_token(AccessToken=token, UserCode="123456")
    cognito.set_user_mfa_preference(
        AccessToken=token, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
    )
    assert cognito.initiate_auth(**asked)["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    lives.again(way)
    assert lives.client("cognito-idp").initiate_auth(**asked).get("ChallengeName") == "SOFTWARE_TOKEN_MFA"


@WAYS
@pytest.mark.parametrize("waits", [0, 1])
def test_what_a_receiver_without_an_answer_moved_stays_moved(lives, way, waits):
    sqs = lives.client("sqs")
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    url = sqs.create_queue(QueueName="queue", Attributes={"VisibilityTimeout": "0", "RedrivePolicy": policy})[
        "QueueUrl"
    ]
    for body in ("first", "second"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    assert len(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]) == 2
    lines = len(lives.lines())
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=waits)
    assert len(lives.lines()) == lines + 1
    first = sqs.receive_message(QueueUrl=dead)["Messages"][0]
    sqs.delete_message(QueueUrl=dead, ReceiptHandle=first["ReceiptHandle"])
    lives.again(way)
    sqs = lives.client("sqs")
    number = "ApproximateNumberOfMessages"
    left = [
        sqs.get_queue_attributes(QueueUrl=one, AttributeNames=[number])["Attributes"][number]
        for one in (url, dead)
    ]
    assert left == ["0", "1"]
    [second] = sqs.receive_message(QueueUrl=dead)["Messages"]
    assert second["MessageId"] != first["MessageId"]


def test_questions_and_refusals_leave_no_line(lives):
    s3, sqs = lives.client("s3"), lives.client("sqs")
    s3.create_bucket(Bucket="bucket")
    url = sqs.create_queue(QueueName="queue")["QueueUrl"]
    before = lives.lines()
    s3.list_objects_v2(Bucket="bucket")
    sqs.list_queues()
    sqs.receive_message(QueueUrl=url)
    lives.client("dynamodb").list_tables()
    lives.client("cloudwatch").list_metrics()
    lives.client("iam").list_roles()
    with contextlib.suppress(s3.exceptions.ClientError):
        s3.put_object(Bucket="no-such-bucket", Key="k", Body=b"x")
    assert lives.lines() == before


def test_no_key_of_a_caller_is_kept(lives):
    status, _, _ = lives.cloud.forward(
        "PUT",
        "/bucket",
        [
            ("Host", "h"),
            (
                "Authorization",
                f"{SIGNED}s3cr3t-token/20260101/us-east-1/s3/aws4_request, Signature=51gnature",
            ),
            ("X-Amz-Security-Token", "t0ken"),
        ],
    )
    assert status == 200
    url = lives.client("s3").generate_presigned_url("put_object", {"Bucket": "bucket", "Key": "k"})
    path = "/bucket" + url.partition("/bucket")[2].replace("AWSAccessKeyId=local", "AWSAccessKeyId=s3cr3t")
    assert lives.cloud.forward("PUT", path, [("Host", "h")], b"x").status == 200
    text = b"".join(lives.lines())
    assert b"/bucket/k" in text
    for word in (b"s3cr3t", b"51gnature", b"t0ken"):
        assert word not in text
    lives.again("journal alone")
    assert lives.client("s3").get_object(Bucket="bucket", Key="k")["Body"].read() == b"x"
