/** A real OpenID Connect provider, which we did not write. */

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { Background } from './processes';

/** People at the provider, by its own identifier of them. */
export type People = Record<string, { name: string; groups: string[] }>;

const secret = 'a-secret-of-the-tests-of-single-sign-on';

export class Provider {
  readonly #log: string;
  readonly #port: number;
  readonly #app: string;
  readonly #people: People;
  #process?: Background;

  /** A provider for the server at this address. */
  constructor(folder: string, port: number, app: string, people: People) {
    this.#log = join(folder, 'provider.log');
    this.#port = port;
    this.#app = app;
    this.#people = people;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get secret(): string {
    return secret;
  }

  get log(): string {
    return this.#log;
  }

  /** Who somebody is from now on; it counts at the next start. */
  set(id: string, person: People[string]): void {
    this.#people[id] = person;
  }

  /** Starts it, with a key that it has not had before. */
  async start(): Promise<void> {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = { ...pair.privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' };
    const client = {
      client_id: 'backstay',
      client_secret: secret,
      redirect_uris: [`${this.#app}/sso/callback`],
      backchannel_logout_uri: `${this.#app}/sso/back-channel-log-out`,
      backchannel_logout_session_required: true,
    };
    const settings = { port: this.#port, client, people: this.#people, key };
    const words = [join(__dirname, 'provider.mjs')];
    this.#process = new Background(process.execPath, words, { PROVIDER: JSON.stringify(settings) }, this.#log);
    await this.#process.said(/^listening$/m);
  }

  async stop(): Promise<void> {
    await this.#process?.end('SIGTERM');
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}
