/** Watches browsers for what should never happen in them. */

import { type BrowserContext, expect } from '@playwright/test';

/** Fails a test whose pages said, in the console or by a failed request, that something went wrong. */
export class Watch {
  readonly #seen: string[] = [];
  readonly #allowed: RegExp[] = [];

  /** Lets pass what a test brings about on purpose. */
  allow(...faults: RegExp[]): void {
    this.#allowed.push(...faults);
  }

  over(context: BrowserContext, withoutScript = false): void {
    context.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) {
        this.#seen.push(`console ${message.type()}: ${message.text()} (${message.location().url})`);
      }
    });
    context.on('weberror', (error) => this.#seen.push(`page error: ${error.error().stack}`));
    context.on('response', (response) => {
      if (response.status() >= 400) this.#seen.push(`HTTP ${response.status()}: ${response.url()}`);
    });
    context.on('requestfailed', (request) => {
      const why = request.failure()?.errorText ?? 'failed';
      const path = new URL(request.url()).pathname;
      // Leaving a page ends its event stream.
      const left = why === 'net::ERR_ABORTED' && path === '/events';
      // So does a browser without script say that it does not load any.
      const noScript = why === 'csp' && path.endsWith('.js') && withoutScript;
      if (!left && !noScript) this.#seen.push(`request failed: ${why}: ${request.method()} ${request.url()}`);
    });
  }

  check(): void {
    const unexpected = this.#seen.filter((fault) => !this.#allowed.some((allowed) => allowed.test(fault)));
    expect(unexpected, 'what went wrong in the browser').toEqual([]);
  }
}

/** What a test expects where it has the server refuse something. */
export const refusal = /\b409\b/;

/** What a test expects where it takes the server away. */
export const noServer = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_NETWORK/;
