/** Watches browsers for what should never happen in them. */

import { type BrowserContext, expect } from '@playwright/test';

/** The server functions that only read; like all of them, they are called by POST. */
const reading = /^\/api\/(start_page|load_\w+|audit|compare_generations)$/;

/** The hash of the style that Playwright adds for a picture. Firefox reports that the pages' policy refuses it. */
const ofPictures = 'sha256-YjaKGiklmzC6wjXA513HAMmzus8VE61XCOT+SmwNZWA=';

/** Fails a test if its pages report an error, in the console or by a failed request. */
export class Watch {
  readonly #seen: string[] = [];
  readonly #allowed: RegExp[] = [];

  /** Allows what a test causes on purpose. */
  allow(...faults: RegExp[]): void {
    this.#allowed.push(...faults);
  }

  over(context: BrowserContext, withoutScript = false): void {
    context.on('console', (message) => {
      const unused = withoutScript && message.text().includes('was preloaded using link preload but not used');
      // As the configuration says.
      const blocked = message.text().startsWith('Service Worker registration blocked by Playwright');
      if (['error', 'warning'].includes(message.type()) && !unused && !blocked) {
        this.#seen.push(`console ${message.type()}: ${message.text()} (${message.location().url})`);
      }
    });
    context.on('weberror', (error) => {
      const { message, stack } = error.error();
      if (!message.includes(ofPictures)) this.#seen.push(`page error: ${message} ${stack}`);
    });
    context.on('response', (response) => {
      if (response.status() >= 400) this.#seen.push(`HTTP ${response.status()}: ${response.url()}`);
    });
    context.on('requestfailed', (request) => {
      const why = request.failure()?.errorText ?? 'failed';
      // Leaving a page aborts its reads, which is fine; its requests count.
      const reads = request.method() === 'GET' || reading.test(new URL(request.url()).pathname);
      const left = ['net::ERR_ABORTED', 'NS_BINDING_ABORTED'].includes(why) && reads;
      const unwanted = withoutScript && why === 'csp' && request.resourceType() === 'script';
      if (!left && !unwanted) this.#seen.push(`request failed: ${why}: ${request.method()} ${request.url()}`);
    });
  }

  check(): void {
    const unexpected = this.#seen.filter((fault) => !this.#allowed.some((allowed) => allowed.test(fault)));
    expect(unexpected, 'what went wrong in the browser').toEqual([]);
  }
}

/** The errors of a test in which the server refuses something. */
export const refusal = /\b409\b/;

/** The errors of a test in which the server goes away. */
export const noServer = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_NETWORK/;
