/** The configuration of an agent on a test's host; `agent/backstay-agent.example.toml` explains every key. */

import type { Description } from './host';

export interface AgentPlaces {
  server: string;
  joinToken: string;
  state: string;
}

export function configuration(host: Description, { server, joinToken, state }: AgentPlaces): string {
  const lines = [
    `server = "${server}"`,
    `name = "${host.name}"`,
    `platform = "${host.platform}"`,
    `state_dir = "${state}"`,
    `join_token_file = "${joinToken}"`,
    'watch_interval = 1',
  ];
  // home-manager finds its paths through the environment, as on a real host.
  if (host.platform === 'nixos') {
    lines.push(
      '[profile]',
      `path = "${host.profile}"`,
      `running_system = "${host.running}"`,
      `booted_system = "${host.booted}"`,
    );
  }
  // A test that is held stays so, however slow the machine is: the agent's own limit is 60 s.
  lines.push('[checkout]', `path = "${host.checkout}"`, '[tests]', `dir = "${host.tests}"`, 'basic = false', 'timeout = 900');
  return `${lines.join('\n')}\n`;
}
