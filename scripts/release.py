"""Release the router to an environment, or roll back to an earlier release.

Usage: release.py ENV                  package lambda_src, upload it, apply the application
       release.py ENV ARTIFACT_KEY     apply the application with a release that was uploaded before
       release.py ENV list             show the releases that can be rolled back to, newest first

AUTO_APPROVE=1 applies without asking. RELEASE_PERCENT=10 sends 10 % of the calls to the release and leaves the others
where they are; a further release.py with another share, or without one, goes on from there.
"""

import os
import subprocess
import sys
from typing import Any

from botocore.exceptions import ClientError

import package
from deployment import REPOSITORY, TERRAFORM, application_inputs, client


def main(environment: str, artifact_key: str | None) -> None:
    """Make a release the one in service."""
    inputs = application_inputs(environment)
    bucket = inputs["artifact_bucket"]
    s3 = client("s3", inputs["region"])
    if artifact_key == "list":
        _show_releases(s3, bucket)
        return
    if artifact_key is None:
        artifact = package.build(REPOSITORY / ".local" / "artifacts")
        artifact_key = f"router/{artifact.stem.removeprefix('router-')}.zip"
        if _exists(s3, bucket, artifact_key):
            print(f"{artifact_key} is uploaded already")
        else:
            s3.upload_file(str(artifact), bucket, artifact_key)
            print(f"uploaded {artifact_key} ({artifact.stat().st_size:,} bytes)")
    elif not _exists(s3, bucket, artifact_key):
        raise SystemExit(f"error: {artifact_key} is not in {bucket}; `release.py {environment} list` shows what is")
    apply = [str(TERRAFORM), environment, "application", "apply"]
    result = subprocess.run(apply, env={**os.environ, "ARTIFACT_KEY": artifact_key}, check=False)
    if result.returncode:
        raise SystemExit(
            "error: the application was not applied, or not completely. What was in service is named above;\n"
            f"to have it back for certain: make rollback ENV={environment} ARTIFACT_KEY=<that key>"
        )
    if os.environ.get("RELEASE_PERCENT"):
        print(f"{os.environ['RELEASE_PERCENT']} % of the calls go to {artifact_key}. All of them: the same without")
        print("PERCENT. Back: a rollback to the release before it.")


def _exists(s3: Any, bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return False
        raise
    return True


def _show_releases(s3: Any, bucket: str) -> None:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="router/")
    releases = [item for page in pages for item in page.get("Contents", ())]
    for item in sorted(releases, key=lambda item: item["LastModified"], reverse=True):
        print(f"{item['LastModified']:%Y-%m-%d %H:%M}  {item['Key']}")


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else None)
