"""The service writes nothing to disk and reports nothing home: what the kernel sees of it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
WATCHED = "openat,open,creat,connect,mkdir,mkdirat,unlink,unlinkat,rename,renameat,renameat2,sendto,sendmsg"


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_nothing_is_written_and_nobody_is_called(models_dir, tmp_path, instance):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    log = tmp_path / "calls"
    process = subprocess.Popen(
        [
            *("strace", "-f", "-qq", "-e", f"trace={WATCHED}", "-o", log),
            *(sys.executable, "-B", "-m", "serving", "--models", models_dir, "--port", str(port)),
        ],
        cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path), "ACCESS_LOG": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 120
    while True:
        try:
            answer = httpx.post(f"{url}/v1/models/tiny:predict", json={"instances": [instance]})
            break
        except httpx.TransportError:
            if process.poll() is not None:
                said = process.communicate()[1].decode()
                if "ptrace" in said or "Operation not permitted" in said:
                    pytest.skip("this machine does not let strace watch a process")
                pytest.fail(said)
            assert time.monotonic() < deadline
            time.sleep(0.2)
    assert answer.status_code == 200
    # strace itself takes no signal while it writes to a file
    os.killpg(process.pid, signal.SIGTERM)
    process.communicate(timeout=60)
    calls = log.read_text().splitlines()
    assert any(re.search(r'openat\(.*model\.onnx".*O_RDONLY', call) for call in calls), "strace saw nothing"
    failed = re.compile(r" = -1 E(NOENT|ROFS|ACCES)\b")
    writes = [
        call
        for call in calls
        if re.search(r"O_WRONLY|O_RDWR|O_CREAT|\b(creat|mkdir|unlink|rename)", call)
        and not re.search(r'"/dev/(null|shm/[^"]*)"', call)
        and not failed.search(call)
    ]
    assert not writes
    # a socket to the outside; those of the machine itself (a name service's) are files
    assert not [call for call in calls if "connect(" in call and "AF_INET" in call]
