#!/usr/bin/env python3
"""Writes tests/golden/gateway/signatures.json: what the houses' own libraries sign, on clocks that stand still.

    pip install botocore==1.44.5 zhipuai==2.1.5.20250825 sniffio tencentcloud-sdk-python-common==3.1.195 requests \\
        volcengine==1.0.229 pytz pycryptodome && pip install --no-deps spark-ai-python==0.4.5
    tools/make_signatures.py
"""
import datetime
import importlib.util
import json
import pathlib
from unittest import mock

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import tencentcloud.common.abstract_client
import tencentcloud.common.credential
import tencentcloud.common.http.request
import volcengine.auth.SignerV4
import volcengine.base.Request
import volcengine.Credentials
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


class StandingClock(datetime.datetime):
    """What a library that asks datetime for the time is told."""
    moment = 0

    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(cls.moment, tz)


def tencent(now, body):
    key = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE:Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"
    client = tencentcloud.common.abstract_client.AbstractClient(tencentcloud.common.credential.Credential(*key.split(":")), "")
    client._service, client._apiVersion = "hunyuan", "2023-09-01"
    request = tencentcloud.common.http.request.RequestInternal("hunyuan.tencentcloudapi.com", "POST", "/")
    endpoint = mock.patch.object(client, "_get_endpoint", lambda options=None: "hunyuan.tencentcloudapi.com")
    dumps = mock.patch("tencentcloud.common.abstract_client.json.dumps", lambda _: body)
    with mock.patch("time.time", lambda: now), endpoint, dumps:
        client._build_req_with_tc3_signature("ChatCompletions", {}, request)
    return {"url": "https://hunyuan.tencentcloudapi.com/", "body": body, "key": key, "now": now,
            "timestamp": request.header["X-TC-Timestamp"], "authorization": request.header["Authorization"]}


def volc(now, body, service, region, query):
    host = "visual.volcengineapi.com"
    request = volcengine.base.Request.Request()
    request.method, request.path, request.body, request.query = "POST", "/", body, dict(query)
    request.headers = {"Content-Type": "application/json", "Host": host}
    credentials = volcengine.Credentials.Credentials("AKLTEXAMPLE", "TVRBek5qVXpNemhFXAMPLE==", service, region)
    moment = datetime.datetime.fromtimestamp(now, datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    with mock.patch.object(volcengine.auth.SignerV4.SignerV4, "get_current_format_date", staticmethod(lambda: moment)):
        volcengine.auth.SignerV4.SignerV4.sign(request, credentials)
    written = "&".join(f"{name}={value}" for name, value in query)
    return {"url": f"https://{host}/" + ("?" + written if written else ""), "body": body, "service": service, "region": region,
            "key": "AKLTEXAMPLE:TVRBek5qVXpNemhFXAMPLE==", "now": now, "date": request.headers["X-Date"],
            "digest": request.headers["X-Content-Sha256"], "authorization": request.headers["Authorization"]}


def iflytek(now, url):
    # The file alone: the package around it wants a framework.
    folder = pathlib.Path(importlib.util.find_spec("sparkai").submodule_search_locations[0])
    spec = importlib.util.spec_from_file_location("xf_util", folder / "xf_util.py")
    library = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(library)
    library.datetime, library.mktime = StandingClock, lambda _: now
    signed = library.build_auth_request_url(url, "GET", "0a1b2c3d4e5f", "MDEyMzQ1Njc4OWFiY2RlZg")
    return {"url": url, "key": "0a1b2c3d4e5f:MDEyMzQ1Njc4OWFiY2RlZg", "now": now, "signed": signed}


def main():
    queries = [(), (("Version", "2022-08-31"), ("Action", "CVSync2AsyncSubmitTask"))]
    spark = "wss://spark-api.xf-yun.com"
    golden = {"aws": [aws(now, url, body) for now in CLOCKS for url in URLS for body in BODIES],
              "zhipu": [zhipu(now, key) for now in CLOCKS for key in ("id.secret", "0a1b2c." + "s" * 100)],
              "tencent": [tencent(now, body) for now in CLOCKS for body in BODIES],
              "volcengine": [volc(now, body, *door, query) for now in CLOCKS[1:3] for body in BODIES for query in queries
                             for door in (("cv", "cn-north-1"), ("ark", "cn-beijing"))],
              "iflytek": [iflytek(now, spark + path) for now in CLOCKS for path in ("/v1.1/chat", "/v4.0/chat", "/chat/max-32k")]}
    path = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "gateway" / "signatures.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(golden, indent=0, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
