# A rollback needs no network: it evaluates, builds and fetches nothing.
enroll()
make_two_generations()
wait_for_generation(2)
# The only way out; the loopback between server and agent stays.
machine.block()
machine.succeed("for link in eth0 eth1; do ip link set $link down || true; done")
roll_back()
wait_for_rollback()
machine.succeed("test ! -e /etc/broken")
