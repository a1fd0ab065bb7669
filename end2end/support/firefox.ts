/**
 * Drives Debian's own Firefox, over WebDriver BiDi. Playwright knows a command that this Firefox does not have
 * yet, and would not start without an answer to it: Firefox keeps the theme of its preferences. Once
 * Debian's Firefox knows `emulation.setMediaFeaturesOverride`, this file can go.
 */

import type { Page } from '@playwright/test';
import { ws } from 'playwright-core/lib/utilsBundle';

const unknown = 'emulation.setMediaFeaturesOverride';

interface Command {
  id: number;
  method: string;
}

interface Socket {
  emit(event: 'message', data: string): void;
  send(data: unknown, ...rest: unknown[]): void;
}

/** Answers the command in Firefox's place. */
export function answerForFirefox(): void {
  const socket = ws.prototype as Socket;
  const { send } = socket;
  socket.send = function (this: Socket, data, ...rest) {
    const command = typeof data === 'string' && data.includes(unknown) ? (JSON.parse(data) as Command) : undefined;
    if (command?.method !== unknown) return send.call(this, data, ...rest);
    setImmediate(() => this.emit('message', JSON.stringify({ type: 'success', id: command.id, result: {} })));
  };
}

/**
 * Has `ariaLabelledByElements` read the attribute in this page's documents. axe reads the property, and Firefox's own
 * crashes a tab of Firefox 153 once such a label was replaced.
 */
export async function labelsByAttribute(page: Page): Promise<void> {
  await page.addInitScript(() => {
    Object.defineProperty(Element.prototype, 'ariaLabelledByElements', {
      get(this: Element) {
        const ids = this.getAttribute('aria-labelledby')?.split(/\s+/) ?? [];
        return ids.map((id) => document.getElementById(id)).filter((label) => label !== null);
      },
    });
  });
}
