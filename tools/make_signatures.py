#!/usr/bin/env python3
"""Writes tests/golden/gateway/signatures.json: what the houses' own libraries sign, on clocks that stand still.

    pip install botocore==1.44.5 zhipuai==2.1.5.20250825 sniffio && tools/make_signatures.py
"""
import datetime
import json
import pathlib
from unittest import mock

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import zhipuai.core._jwt_token

CLOCKS = [0, 1_700_000_000, 1_763_856_000, 4_102_444_799]
BODIES = ["", "{}", json.dumps({"model": "m", "messages": [{"role": "user", "content": "你好"}]}, ensure_ascii=False)]
URLS = ["https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1/chat/completions", "https://bedrock.eu-west-3.amazonaws.com/"]


def aws(now, url, body):
    moment = datetime.datetime.fromtimestamp(now, datetime.timezone.utc).replace(tzinfo=None)
    region = url.split(".")[1]
    headers = {"Content-Type": "application/json"} if body else {}
    request = botocore.awsrequest.AWSRequest("POST", url, headers=headers, data=body.encode())
    signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG"), "bedrock", region)
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda: moment):
        signer.add_auth(request)
    return {"method": "POST", "url": url, "body": body, "service": "bedrock", "region": region, "key": "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG",
            "now": now, "date": request.headers["X-Amz-Date"], "authorization": request.headers["Authorization"]}


def zhipu(now, key):
    with mock.patch("time.time", lambda: now):
        token = zhipuai.core._jwt_token.generate_token.__wrapped__(key)
    return {"key": key, "now": now, "authorization": "Bearer " + token}


def main():
    golden = {"aws": [aws(now, url, body) for now in CLOCKS for url in URLS for body in BODIES],
              "zhipu": [zhipu(now, key) for now in CLOCKS for key in ("id.secret", "0a1b2c." + "s" * 100)]}
    path = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "gateway" / "signatures.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(golden, indent=0, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
