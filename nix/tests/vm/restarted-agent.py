# Both builds have another unit of the agent, so the activation restarts it. The op goes on, and each line arrives once.
enroll()
make_two_generations()
wait_for_generation(2)
before = machine.succeed("systemctl show --property=ExecMainPID --value backstay-agent").strip()
roll_back()
wait_for_rollback()
machine.wait_for_unit("backstay-agent.service")
after = machine.succeed("systemctl show --property=ExecMainPID --value backstay-agent").strip()
assert before != after, "the activation was to restart the agent"
ops = "(SELECT id FROM ops WHERE kind = 'rollback')"
count, last = query(f"SELECT count(*), max(seq) FROM op_output WHERE op_id IN {ops}").split("|")
assert count == last != "0", f"{count} lines, the last has the number {last}"
