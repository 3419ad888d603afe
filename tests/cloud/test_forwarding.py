"""Everything that S3 clients do with HTTP, through a server that hands it on."""

import hashlib
import http.client
import io
import threading
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError

from faaslab.cloud import client

MB = 1 << 20
SIGNED = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/s3/aws4_request, Signature=0"


@pytest.fixture(scope="module")
def s3(through):
    made = through("s3")
    made.create_bucket(Bucket="bucket")
    return made


def test_a_large_object_streams_both_ways(s3, door):
    data = bytes(range(256)) * (50 * MB // 256)
    s3.put_object(Bucket="bucket", Key="large", Body=io.BytesIO(data))
    _, _, headers = door.seen[-1]
    # boto3's own way over plain HTTP is a body with a length; the checksum stands in a header or after it.
    assert s3.head_object(Bucket="bucket", Key="large")["ContentLength"] == len(data)
    digest = hashlib.sha256()
    for piece in s3.get_object(Bucket="bucket", Key="large")["Body"].iter_chunks(MB):
        digest.update(piece)
    assert digest.digest() == hashlib.sha256(data).digest()


def test_aws_chunked_with_a_trailing_checksum(s3, door):
    class NotSeekable(io.RawIOBase):
        def __init__(self, data):
            self.inner = io.BytesIO(data)

        def read(self, size=-1):
            return self.inner.read(size)

        def readable(self):
            return True

    data = b"payload " * 100_000
    s3.upload_fileobj(NotSeekable(data), "bucket", "chunked", ExtraArgs={"ChecksumAlgorithm": "SHA256"})
    got = s3.get_object(Bucket="bucket", Key="chunked", ChecksumMode="ENABLED")
    assert got["Body"].read() == data


def test_a_body_in_signed_pieces_by_hand(s3, door):
    """What Go's and Java's clients send: aws-chunked in a chunked body, after asking whether to go on."""
    data = b"a" * 70_000 + b"b" * 5
    pieces = b"".join(
        b"%x;chunk-signature=%s\r\n%s\r\n" % (len(part), b"0" * 64, part)
        for part in (data[:65536], data[65536:], b"")
    )
    connection = http.client.HTTPConnection("127.0.0.1", door.server_address[1])
    connection.putrequest("PUT", "/bucket/signed")
    for name, value in {
        "Authorization": SIGNED,
        "Content-Encoding": "aws-chunked",
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "x-amz-decoded-content-length": str(len(data)),
        "Transfer-Encoding": "chunked",
        "Expect": "100-continue",
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    for start in range(0, len(pieces), 10_000):
        part = pieces[start : start + 10_000]
        connection.send(b"%x\r\n%s\r\n" % (len(part), part))
    connection.send(b"0\r\n\r\n")
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    answer.read()
    connection.close()
    got = s3.get_object(Bucket="bucket", Key="signed")
    assert got["Body"].read() == data


def test_multipart(s3):
    upload = s3.create_multipart_upload(Bucket="bucket", Key="parts")["UploadId"]
    parts = []
    for number, letter in ((1, b"a"), (2, b"b")):
        done = s3.upload_part(
            Bucket="bucket", Key="parts", UploadId=upload, PartNumber=number, Body=letter * (5 * MB + 1)
        )
        parts.append({"PartNumber": number, "ETag": done["ETag"]})
    s3.complete_multipart_upload(
        Bucket="bucket", Key="parts", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    got = s3.get_object(Bucket="bucket", Key="parts", Range=f"bytes={5 * MB}-{5 * MB + 1}")
    assert (got["ResponseMetadata"]["HTTPStatusCode"], got["Body"].read()) == (206, b"ab")


def test_not_modified_head_and_missing(s3):
    tag = s3.put_object(Bucket="bucket", Key="small", Body=b"x")["ETag"]
    with pytest.raises(ClientError) as raised:
        s3.get_object(Bucket="bucket", Key="small", IfNoneMatch=tag)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 304
    with pytest.raises(ClientError) as raised:
        s3.head_object(Bucket="bucket", Key="none")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    # The connection is as it should be after answers without a body.
    assert s3.head_object(Bucket="bucket", Key="small")["ContentLength"] == 1
    s3.delete_object(Bucket="bucket", Key="small")


def test_presigned(s3, door):
    put = urlsplit(s3.generate_presigned_url("put_object", {"Bucket": "bucket", "Key": "signed url"}))
    get = urlsplit(s3.generate_presigned_url("get_object", {"Bucket": "bucket", "Key": "signed url"}))
    connection = http.client.HTTPConnection("127.0.0.1", door.server_address[1])
    connection.request("PUT", f"{put.path}?{put.query}", body=b"by url")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"")
    connection.request("GET", f"{get.path}?{get.query}")
    assert connection.getresponse().read() == b"by url"
    connection.close()


FORM = "application/x-www-form-urlencoded"
BODIES = [b"a=1&b=2", b"Action=ListRoles&Version=1", b"\0\xff=\xfe", b"key=1&file=2", b"", b"x" * MB + b"&"]


@pytest.mark.parametrize("kind", [FORM, f"{FORM}; charset=utf-8", "multipart/form-data; boundary=b"])
@pytest.mark.parametrize("body", BODIES)
def test_an_object_with_the_type_of_a_form_is_what_was_sent(s3, kind, body):
    put = s3.put_object(Bucket="bucket", Key="form", Body=body, ContentType=kind)
    got = s3.get_object(Bucket="bucket", Key="form")
    assert (got["Body"].read(), got["ContentType"]) == (body, kind)
    assert put["ETag"].strip('"') == hashlib.md5(body).hexdigest()


@pytest.mark.parametrize("body", BODIES[:-1])
def test_urllib_puts_to_a_signed_address(s3, body):
    """It gives the type of a form to each body."""
    url = s3.generate_presigned_url("put_object", {"Bucket": "bucket", "Key": "by urllib"})
    with urlopen(Request(url, data=body, method="PUT")) as answer:
        assert answer.status == 200
    assert s3.get_object(Bucket="bucket", Key="by urllib")["Body"].read() == body


def test_other_bodies_of_s3_may_say_that_they_are_a_form(s3, door):
    s3.put_object(Bucket="bucket", Key="gone", Body=b"x")
    body = b"<Delete><Object><Key>gone</Key></Object></Delete>"
    connection = http.client.HTTPConnection("127.0.0.1", door.server_address[1])
    connection.request(
        "POST", "/bucket?delete", body=body, headers={"Authorization": SIGNED, "Content-Type": FORM}
    )
    assert b"<Deleted><Key>gone</Key></Deleted>" in connection.getresponse().read()
    connection.close()


def test_a_page_uploads_with_a_form(s3):
    given = s3.generate_presigned_post("bucket", "posted/${filename}")
    fields = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in given["fields"].items()
    )
    file = (
        '--b\r\nContent-Disposition: form-data; name="file"; filename="f.txt"\r\n\r\nby a page\r\n--b--\r\n'
    )
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    urlopen(Request(given["url"], data=(fields + file).encode(), headers=kind)).close()
    assert s3.get_object(Bucket="bucket", Key="posted/f.txt")["Body"].read() == b"by a page"


def test_a_bucket_in_the_host(s3, door):
    s3.put_object(Bucket="bucket", Key="hosted", Body=b"found")
    connection = http.client.HTTPConnection("127.0.0.1", door.server_address[1])
    connection.request(
        "GET", "/hosted", headers={"Host": "bucket.s3.us-east-1.amazonaws.com", "Authorization": SIGNED}
    )
    assert connection.getresponse().read() == b"found"
    connection.close()


@pytest.mark.parametrize(
    "key", ["a b+c%20d", "ä/ö/€", "a//b", "../up", "q?x=1&y", "#h", "a%2Fb", "sp ace/", "~*'()!", "[x]{y}"]
)
def test_keys_of_all_kinds(s3, key):
    s3.put_object(Bucket="bucket", Key=key, Body=key.encode(), Metadata={"under_score": "1", "dash-ed": "2"})
    got = s3.get_object(Bucket="bucket", Key=key)
    assert got["Body"].read() == key.encode()
    assert got["Metadata"] == {"under_score": "1", "dash-ed": "2"}
    assert key in [entry["Key"] for entry in s3.list_objects_v2(Bucket="bucket")["Contents"]]


def test_many_at_once_share_connections(cloud, s3):
    failures = []

    def work(number):
        try:
            for turn in range(10):
                status, _, body = cloud.forward(
                    "PUT", f"/bucket/t{number}-{turn}", [("Host", "127.0.0.1")], b"x" * turn
                )
                assert (status, b"".join(body)) == (200, b"")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_what_is_between_neighbours_stays_there(cloud):
    status, headers, body = cloud.forward(
        "GET",
        "/bucket",
        [("Host", "h"), ("Connection", "x-mine, keep-alive"), ("X-Mine", "1"), ("X-Faaslab-Cloud", "guess")],
    )
    assert status == 200
    assert b"".join(body)
    assert not {"connection", "transfer-encoding", "server"} & {name for name, _ in headers}


def test_other_protocols_through_it(through):
    sqs = through("sqs")
    url = sqs.create_queue(QueueName="through")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="m")
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "m"
    assert client("sts", url.rpartition("/000")[0]).get_caller_identity()["Account"] == "000000000000"
    through("cloudwatch").put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": 1}])
    assert through("iam").list_roles()["Roles"] == []
