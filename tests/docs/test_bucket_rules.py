"""The rules that the page about S3 gives for a bucket are taken by a server and told back."""

import json
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "s3-storage.md"


@pytest.fixture(scope="module")
def rules():
    """The rules of the page by their outermost name."""
    found = [json.loads(each) for each in re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)]
    return {next(iter(each)): each for each in found}


@pytest.fixture(params=["moto", "seaweedfs"])
def client(request):
    boto3 = pytest.importorskip("boto3", reason="comes with moto[s3]")
    server = request.getfixturevalue(request.param)
    options = server.administration
    return boto3.client(
        "s3",
        endpoint_url=options["endpoint"],
        region_name=options["region"],
        aws_access_key_id=options["access_key_id"],
        aws_secret_access_key=options["secret_access_key"],
    )


def test_rules_are_taken(client, rules):
    client.create_bucket(Bucket="of-the-page")
    lifecycle, cors = {"Rules": rules["Rules"]["Rules"]}, rules["CORSRules"]
    client.put_bucket_lifecycle_configuration(Bucket="of-the-page", LifecycleConfiguration=lifecycle)
    client.put_bucket_cors(Bucket="of-the-page", CORSConfiguration=cors)
    kept = client.get_bucket_lifecycle_configuration(Bucket="of-the-page")["Rules"]
    assert {each["ID"] for each in kept} == {"unfinished-uploads", "old-versions"}
    assert kept[0]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 1
    assert client.get_bucket_cors(Bucket="of-the-page")["CORSRules"][0]["AllowedMethods"] == ["GET"]
