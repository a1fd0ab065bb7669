/** An op's output, wherever it is shown. */

import { type Locator, expect } from '@playwright/test';

export class Log {
  constructor(readonly self: Locator) {}

  get output(): Locator {
    return this.self.getByRole('log', { name: 'Output' });
  }

  get lines(): Locator {
    return this.output.locator('[data-seq]');
  }

  /** A line by its number. */
  line(number: number): Locator {
    return this.output.locator(`[data-seq="${number}"]`);
  }

  get search(): Locator {
    return this.self.getByRole('searchbox', { name: 'Search the output' });
  }

  get count(): Locator {
    return this.self.getByRole('search').getByRole('status');
  }

  /** The viewport of the log. */
  get current(): Locator {
    return this.output.locator('mark.current');
  }

  get earlier(): Locator {
    return this.self.getByRole('button', { name: 'Show earlier lines' });
  }

  get download(): Locator {
    return this.self.getByRole('link', { name: 'Download' });
  }

  button(name: 'Follow' | 'Pause' | 'Times' | 'Copy' | 'Copied' | 'Next match' | 'Previous match'): Locator {
    return this.self.getByRole('button', { name, exact: true });
  }

  /** Whether the last line is in view. */
  async isAtEnd(): Promise<boolean> {
    return this.output.evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight < 24);
  }

  /** Expects every line from the first on, without repetition or gap. */
  async hasEveryLine(): Promise<void> {
    const numbers = await this.lines.evaluateAll((lines) => lines.map((line) => line.getAttribute('data-seq')));
    expect(numbers.length).toBeGreaterThan(0);
    expect(numbers).toEqual(numbers.map((_, i) => String(i + 1)));
  }
}
