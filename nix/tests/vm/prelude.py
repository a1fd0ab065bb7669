import shlex

SERVER = "http://127.0.0.1:7340"
DATABASE = "/var/lib/backstay/backstay.sqlite3"
PROFILE = "/nix/var/nix/profiles/system"


def post(function, **fields):
    """Posts a form as a browser without script does."""
    data = " ".join(f"--data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in fields.items())
    machine.succeed(f"curl --fail --silent --show-error --cookie-jar /tmp/jar --cookie /tmp/jar {data} {SERVER}/api/{function}")


def query(sql):
    return machine.succeed(f"sqlite3 -readonly {DATABASE} {shlex.quote(sql)}").strip()


def wait_for_rollback():
    """Waits until the rollback has succeeded."""
    sql = "SELECT status || ': ' || coalesce(message, '') FROM ops WHERE kind = 'rollback' AND finished_at IS NOT NULL"
    machine.wait_until_succeeds(f"sqlite3 -readonly {DATABASE} {shlex.quote(sql)} | grep .")
    assert query(sql).startswith("succeeded"), query(sql)


def wait_for_generation(number):
    """Waits until the host has reported this generation as the current one."""
    sql = (
        "SELECT json_extract(value, '$.number') FROM hosts, json_each(hosts.facts, '$.generations')"
        " WHERE json_extract(value, '$.current')"
    )
    machine.wait_until_succeeds(f"sqlite3 -readonly {DATABASE} {shlex.quote(sql)} | grep -qx {number}")


def reference(number):
    path = machine.succeed(f"readlink -f {PROFILE}-{number}-link").strip()
    return f"{number} {path}"


def enroll():
    """Lets the host join, and logs in."""
    machine.wait_for_unit("backstay-server.service")
    machine.wait_until_succeeds(f"curl --fail --silent {SERVER}/healthz")
    machine.succeed(f"backstay-server join-token --name gpc0 --database sqlite://{DATABASE} > /run/join-token")
    machine.succeed("systemctl restart backstay-agent")
    machine.wait_for_unit("backstay-agent.service")
    post("log_in", name="admin", password="a-password-for-tests", next="/")


def make_two_generations():
    """Makes the booted build Gen 1, and switches to the broken one, Gen 2."""
    system = machine.succeed("readlink -f /run/current-system").strip()
    broken = machine.succeed(f"readlink -f {system}/specialisation/broken").strip()
    machine.succeed(f"nix-env --profile {PROFILE} --set {system}", f"nix-env --profile {PROFILE} --set {broken}")
    machine.succeed(f"{broken}/bin/switch-to-configuration switch")
    machine.succeed("test -e /etc/broken")


def roll_back():
    """Asks for a rollback from Gen 2 to Gen 1."""
    post("request_rollback", host="gpc0", target=reference(1), seen=reference(2), reason="broken", back="/")


start_all()
