# A host that switched to a broken build goes back from the page, and its tests pass again.
enroll()
make_two_generations()
wait_for_generation(2)
roll_back()
wait_for_generation(1)
machine.succeed("test ! -e /etc/broken")
assert machine.succeed(f"readlink {PROFILE}").strip() == "system-1-link"
machine.wait_until_succeeds(f"sqlite3 -readonly {DATABASE} 'SELECT success FROM rollbacks' | grep -qx 1")
assert query("SELECT from_gen || ' ' || to_gen FROM rollbacks") == "2 1"
