"""`tactics demo` on a machine that has nothing."""

import os
import signal
import subprocess
import sys
import urllib.request


def run(home, *words):
    """Run `tactics` with an empty HOME and no configuration."""
    environment = {"HOME": str(home), "TMPDIR": str(home), "PATH": os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, "-m", "tactics", *words],
        check=False, capture_output=True, text=True, timeout=300, env=environment, cwd=home,
    )  # fmt: skip


def test_demo_ends_with_the_pacing_report_and_leaves_its_data(tmp_path):
    """The first run fetches, a second one is quick; other commands can look at the same home."""
    home = tmp_path / "demo"
    first = run(tmp_path, "--home", home, "demo")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "Pacing of acme" in first.stdout
    assert "Pacing of globex" in first.stdout
    assert str(home) in first.stderr
    assert run(tmp_path, "--home", home, "demo").returncode == 0
    assert run(tmp_path, "--home", home, "report", "margin").stdout.startswith("Margin of acme")
    runs = run(tmp_path, "--home", home, "runs", "list").stdout
    assert runs.count("succeeded") == 2


def test_demo_keeps_off_a_home_in_use(tmp_path):
    """A configuration of a person is neither used nor overwritten."""
    config = tmp_path / "tactics.toml"
    config.write_text("# mine\n")
    done = run(tmp_path, "--home", tmp_path, "demo")
    assert done.returncode == 2
    assert "this home is in use" in done.stderr
    assert config.read_text() == "# mine\n"


def test_init_writes_once(tmp_path):
    """The file is valid, private, and never overwritten."""
    first = run(tmp_path, "--home", tmp_path / "new", "init")
    assert first.returncode == 0, first.stderr
    path = tmp_path / "new" / "tactics.toml"
    assert path.stat().st_mode & 0o077 == 0
    assert run(tmp_path, "init", "--print").stdout == path.read_text()
    again = run(tmp_path, "--home", tmp_path / "new", "init")
    assert again.returncode == 2
    assert "there is a configuration already" in again.stderr
    assert run(tmp_path, "--home", tmp_path / "new", "sources", "list").returncode == 0


def test_a_sandbox_serves_until_interrupted_and_sync_can_use_it(tmp_path):
    """`sandbox --write` leaves a home that `sync` works with; Ctrl-C ends it with 0."""
    home = tmp_path / "lab"
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "tactics", "--home", str(home), "sandbox", "--write"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as server:
        url = server.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}/_control/requests", timeout=10) as answer:
            assert answer.status == 200
        line = f". {home}/credentials.env; {sys.executable} -m tactics --home {home} sources check"
        checked = subprocess.run(
            ["/bin/sh", "-c", line], check=False, capture_output=True, text=True, env=environment
        )
        server.send_signal(signal.SIGINT)
        _, talk = server.communicate(timeout=30)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "Acme Media" in checked.stdout
    assert server.returncode == 0
    assert "stopped" in talk


def test_an_interrupted_sync_exits_130_without_a_traceback(tmp_path):
    """Ctrl-C is an answer, not a crash; the next sync goes on."""
    environment = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PATH": os.environ["PATH"]}
    with subprocess.Popen(
        [sys.executable, "-m", "tactics", "demo"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    ) as demo:  # fmt: skip
        assert "simulating" in demo.stderr.readline()
        demo.send_signal(signal.SIGINT)
        _, talk = demo.communicate(timeout=60)
    assert demo.returncode == 130
    assert "interrupted; what was fetched is kept" in talk
    assert "Traceback" not in talk
