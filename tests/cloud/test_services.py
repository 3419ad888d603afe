"""Each service that functions use most, once around, with boto3 as everybody has it."""

import base64
import io
import json
import threading
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from faaslab.clock import SYSTEM


def test_sqs(cloud):
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName="queue")["QueueUrl"]
    assert url.endswith("/000000000000/queue")
    sent = sqs.send_message(
        QueueUrl=url,
        MessageBody="hello",
        MessageAttributes={"a": {"DataType": "String", "StringValue": "b"}},
    )
    [got] = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert (got["MessageId"], got["Body"]) == (sent["MessageId"], "hello")
    sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_a_long_poll_keeps_nobody_waiting_and_wakes(cloud):
    sqs = cloud.client("sqs", read_timeout=60)
    url = sqs.create_queue(QueueName="polled")["QueueUrl"]
    found = []
    poll = threading.Thread(
        target=lambda: found.extend(
            cloud.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
        )
    )
    begun = SYSTEM.monotonic()
    poll.start()
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="meanwhile")
    for number in range(20):
        s3.put_object(Bucket="meanwhile", Key=f"{number}", Body=b"x")
    sqs.send_message(QueueUrl=url, MessageBody="at last")
    poll.join()
    assert [message["Body"] for message in found] == ["at last"]
    assert SYSTEM.monotonic() - begun < 20


def test_sns_to_sqs(cloud):
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    topic = sns.create_topic(Name="topic")["TopicArn"]
    assert topic == "arn:aws:sns:us-east-1:000000000000:topic"
    url = sqs.create_queue(QueueName="subscribed")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="news", Subject="s")
    [got] = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(got["Body"])["Message"] == "news"


def test_dynamodb_and_its_stream(cloud):
    dynamodb, streams = cloud.client("dynamodb"), cloud.client("dynamodbstreams")
    made = dynamodb.create_table(
        TableName="table",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]
    dynamodb.put_item(TableName="table", Item={"id": {"S": "1"}, "n": {"N": "1.50"}, "b": {"B": b"\0\xff"}})
    dynamodb.update_item(
        TableName="table",
        Key={"id": {"S": "1"}},
        UpdateExpression="SET n = n + :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    item = dynamodb.get_item(TableName="table", Key={"id": {"S": "1"}})["Item"]
    assert (float(item["n"]["N"]), item["b"]["B"]) == (2.5, b"\0\xff")
    stream = made["LatestStreamArn"]
    [shard] = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = streams.get_records(ShardIterator=iterator)["Records"]
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY"]


def test_kinesis(cloud):
    kinesis = cloud.client("kinesis")
    kinesis.create_stream(StreamName="stream", ShardCount=1)
    kinesis.put_record(StreamName="stream", Data=b"\0data", PartitionKey="p")
    [shard] = kinesis.list_shards(StreamName="stream")["Shards"]
    iterator = kinesis.get_shard_iterator(
        StreamName="stream", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    assert kinesis.get_records(ShardIterator=iterator)["Records"][0]["Data"] == b"\0data"


def test_eventbridge_to_sqs(cloud):
    events, sqs = cloud.client("events"), cloud.client("sqs")
    url = sqs.create_queue(QueueName="ruled")["QueueUrl"]
    events.put_rule(Name="rule", EventPattern=json.dumps({"source": ["shop"]}))
    events.put_targets(Rule="rule", Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:000000000000:ruled"}])
    put = events.put_events(Entries=[{"Source": "shop", "DetailType": "Sold", "Detail": '{"n": 1}'}])
    assert put["FailedEntryCount"] == 0
    [got] = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(got["Body"])["detail"] == {"n": 1}


def test_scheduler(cloud):
    scheduler = cloud.client("scheduler")
    scheduler.create_schedule(
        Name="schedule",
        ScheduleExpression="rate(5 minutes)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": "arn:aws:lambda:us-east-1:000000000000:function:f",
            "RoleArn": "arn:aws:iam::000000000000:role/r",
        },
    )
    assert scheduler.get_schedule(Name="schedule")["State"] == "ENABLED"


def test_cognito(cloud):
    cognito = cloud.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="pool")["UserPool"]["Id"]
    app = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="app", ExplicitAuthFlows=["ADMIN_NO_SRP_AUTH"]
    )["UserPoolClient"]["ClientId"]
    cognito.admin_create_user(UserPoolId=pool, Username="ann", TemporaryPassword="Abcdef1!x")
    cognito.admin_set_user_password(UserPoolId=pool, Username="ann", Password="Abcdef1!y", Permanent=True)
    signed = cognito.admin_initiate_auth(
        UserPoolId=pool,
        ClientId=app,
        AuthFlow="ADMIN_NO_SRP_AUTH",
        AuthParameters={"USERNAME": "ann", "PASSWORD": "Abcdef1!y"},
    )["AuthenticationResult"]
    claims = signed["IdToken"].split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(claims + "=="))["cognito:username"] == "ann"


def test_logs(cloud):
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="group")
    logs.create_log_stream(logGroupName="group", logStreamName="stream")
    now = int((SYSTEM.now() - datetime(1970, 1, 1)).total_seconds() * 1000)
    logs.put_log_events(
        logGroupName="group", logStreamName="stream", logEvents=[{"timestamp": now, "message": "ERROR a"}]
    )
    found = logs.filter_log_events(logGroupName="group", filterPattern="ERROR")["events"]
    assert [event["message"] for event in found] == ["ERROR a"]


def test_cloudwatch(cloud):
    cloudwatch = cloud.client("cloudwatch")
    cloudwatch.put_metric_data(Namespace="shop", MetricData=[{"MetricName": "sold", "Value": 3.0}])
    now = datetime.now(UTC)
    got = cloudwatch.get_metric_statistics(
        Namespace="shop",
        MetricName="sold",
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=60,
        Statistics=["Sum"],
    )
    assert [point["Sum"] for point in got["Datapoints"]] == [3.0]


def test_iam_and_sts(cloud):
    iam, sts = cloud.client("iam"), cloud.client("sts")
    role = iam.create_role(RoleName="role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    assert role == "arn:aws:iam::000000000000:role/role"
    assumed = sts.assume_role(RoleArn=role, RoleSessionName="session")
    assert assumed["Credentials"]["AccessKeyId"].startswith("ASIA")


def test_ssm_and_secrets(cloud):
    ssm, secrets = cloud.client("ssm"), cloud.client("secretsmanager")
    ssm.put_parameter(Name="/a/b", Value="v", Type="SecureString")
    assert ssm.get_parameter(Name="/a/b", WithDecryption=True)["Parameter"]["Value"] == "v"
    made = secrets.create_secret(Name="secret", SecretString="s")
    assert made["ARN"].startswith("arn:aws:secretsmanager:us-east-1:000000000000:secret:secret-")
    assert secrets.get_secret_value(SecretId="secret")["SecretString"] == "s"


def test_xray(cloud):
    xray = cloud.client("xray")
    segment = {"name": "f", "id": "0123456789abcdef", "trace_id": "1-67891233-abcdef012345678912345678"}
    document = json.dumps(segment | {"start_time": 1.0, "end_time": 2.0})
    assert xray.put_trace_segments(TraceSegmentDocuments=[document])["UnprocessedTraceSegments"] == []


def test_kms(cloud):
    kms = cloud.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"open")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"open"


def test_an_error_is_the_services_own_and_a_failure_of_moto_is_an_answer_too(cloud):
    s3 = cloud.client("s3")
    with pytest.raises(s3.exceptions.NoSuchBucket) as raised:
        s3.get_object(Bucket="no-such-bucket", Key="k")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_another_region_is_another_place(cloud):
    cloud.client("sqs", "eu-north-1").create_queue(QueueName="north")
    assert "QueueUrls" not in cloud.client("sqs", "eu-west-2").list_queues(QueueNamePrefix="north")
    assert cloud.client("sqs", "xx-nowhere-9").create_queue(QueueName="far")["QueueUrl"]


def test_an_archive_goes_in_and_out(cloud):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="archives")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a.txt", "a")
    s3.upload_fileobj(io.BytesIO(made.getvalue()), "archives", "a.zip")
    got = io.BytesIO()
    s3.download_fileobj("archives", "a.zip", got)
    assert got.getvalue() == made.getvalue()
