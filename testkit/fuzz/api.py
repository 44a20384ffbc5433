"""Asks a server of its own whatever its OpenAPI document allows, and much that it does not, as everybody.

No answer may be a 5xx, or one that the document does not describe: its status, its type, its shape. Run by `./dev fuzz`, which
makes the virtual environment; each role has a key of its own, and there is one that only reads and nobody at all.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

ROLES = ["viewer", "operator", "admin", "owner"]
EVERYBODY = ["nobody", "reader", *ROLES]
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# Answers without an end.
ENDLESS = ["/api/v1/events"]


class Server:
    """A server on a directory of its own, with an owner."""

    def __init__(self, binary: str, home: pathlib.Path):
        self.binary, self.lines = binary, []
        password = home / "password"
        password.write_text("seven otters on a raft")
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CHRONTAINER_")},
            "CHRONTAINER_LISTEN": "127.0.0.1:0",
            "CHRONTAINER_DATA_DIR": str(home / "data"),
            "CHRONTAINER_SITE_ROOT": str(home / "no-site"),
            "CHRONTAINER_SETUP_USER": "owner",
            "CHRONTAINER_SETUP_PASSWORD_FILE": str(password),
            "CHRONTAINER_RATE_LIMIT": "0",
        }
        self.process = subprocess.Popen(
            [binary], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        listening = threading.Event()
        self.url = None

        def read():
            for line in self.process.stdout:
                self.lines.append(line.rstrip())
                found = re.search(r"listening on (http://\S+)", line)
                if found:
                    self.url = found.group(1)
                    listening.set()
            listening.set()

        threading.Thread(target=read, daemon=True).start()
        if not listening.wait(120) or self.url is None:
            self.stop()
            sys.exit("the server did not start:\n" + "\n".join(self.lines[-30:]))

    def key(self, user: str) -> str:
        made = subprocess.run(
            [self.binary, "api-key", "create", "--user", user, "--name", "fuzz"],
            env=self.env, capture_output=True, text=True, check=True,
        )
        return re.search(r"chk_\S+", made.stdout).group(0)

    def ask(self, method: str, path: str, key: str, body=None):
        request = urllib.request.Request(
            self.url + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def faults(self) -> list[str]:
        """What the log calls an error of the server's own."""
        return [line for line in self.lines if "internal error" in line or "panicked" in line]


def people(server: Server) -> dict[str, str | None]:
    """A key for everybody."""
    owner = server.key("owner")
    keys: dict[str, str | None] = {"nobody": None, "owner": owner}
    for role in ROLES[:-1]:
        server.ask("POST", "/api/v1/members", owner, {"name": role, "role": role})
        keys[role] = server.key(role)
    # A key makes no key, so the one that only reads is a member that a grant gives nothing.
    server.ask("POST", "/api/v1/members", owner, {"name": "reader", "role": "viewer"})
    keys["reader"] = server.key("reader")
    return keys


def something(server: Server, key: str):
    """A few things to be found, so that not every answer is an empty list."""
    server.ask("POST", "/api/v1/hosts", key, {"name": "nas", "url": "unix:///nonexistent.sock"})
    server.ask("POST", "/api/v1/schedules", key, {
        "name": "nightly", "enabled": True, "timezone": "Europe/Berlin",
        "triggers": [{"type": "cron", "expression": "0 3 * * *"}],
        "steps": [{"action": {"type": "noop"}, "target": ""}],
    })
    server.ask("POST", "/api/v1/blackouts", key, {
        "name": "freeze", "window": {"type": "weekly", "start": "22:00", "duration": "8h"},
    })
    team = server.ask("POST", "/api/v1/teams", key, {"name": "media"})
    server.ask("POST", "/api/v1/grants", key, {"team_id": team["id"], "selector": "host:nas", "role": "operator"})
    server.ask("POST", "/api/v1/views", key, {"name": "all"})


def fuzz(server: Server, who: str, key: str | None, arguments) -> bool:
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", server.url + "/api/v1/openapi.json",
        "--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", str(arguments.examples),
        "--seed", str(arguments.seed), "--no-shrink", "--workers", "2", "--request-timeout", "60", "--no-color",
        "--warnings", "off", "--continue-on-failure", "--suppress-health-check", "all",
    ]
    for path in ENDLESS:
        command += ["--exclude-path", path]
    for path in arguments.only:
        command += ["--include-path-regex", path]
    if key:
        command += ["-H", f"Authorization:Bearer {key}"]
    begun = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    took = time.monotonic() - begun
    verdict = "all as the document says" if done.returncode == 0 else "FAILED"
    print(f"{who}: {verdict}, in {took:.0f} s", flush=True)
    if done.returncode != 0:
        print(done.stdout[-arguments.lines * 120:] + done.stderr[-4000:], flush=True)
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", required=True, help="the server's program")
    parser.add_argument("--examples", type=int, default=12, help="requests of each kind for each operation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lines", type=int, default=400, help="how much of a failure is printed")
    parser.add_argument("--only", action="append", default=[], metavar="REGEX", help="paths that fit")
    parser.add_argument("who", nargs="*", metavar="WHO", help=f"of {', '.join(EVERYBODY)}; all without")
    arguments = parser.parse_args()
    unknown = [who for who in arguments.who if who not in EVERYBODY]
    if unknown:
        parser.error(f"there is no {unknown[0]}; there are {', '.join(EVERYBODY)}")
    with tempfile.TemporaryDirectory(prefix="chrontainer-fuzz-") as home:
        # The private database runs as an account of its own.
        os.chmod(home, 0o755)
        server = Server(arguments.server, pathlib.Path(home))
        try:
            keys = people(server)
            something(server, keys["owner"])
            good = [fuzz(server, who, keys[who], arguments) for who in arguments.who or EVERYBODY]
        finally:
            server.stop()
        faults = server.faults()
    for line in faults[:20]:
        print(line)
    if faults or not all(good):
        sys.exit(1)


if __name__ == "__main__":
    main()
