/** A deployment: its panel, on the fleet page and on its own page, and the dialogs that decide about it. */

import { type Locator, type Page, expect } from '@playwright/test';

export type DecisionName = 'open' | 'continued' | 'reverting' | 'reverted' | 'proposed' | 'superseded';

export class DeploymentPanel {
  readonly self: Locator;

  constructor(readonly page: Page) {
    this.self = page.getByRole('main').locator('[data-deployment]');
  }

  /** “Deployment Failed”, “Deployment of PR #42”, “Reverting PR #42…”, “PR #42 reverted”. */
  heading(text: string | RegExp): Locator {
    return this.self.getByRole('heading', { name: text });
  }

  get rows(): Locator {
    return this.self.getByRole('list', { name: 'Hosts' }).getByRole('listitem');
  }

  row(host: string): Locator {
    return this.self.locator(`li[data-host="${host}"]`);
  }

  /** Expects a host's line to be `✓ gpc0 - Switch OK, Tests OK`. */
  async says(host: string, line: string | RegExp): Promise<void> {
    await expect(this.row(host).locator('.outcome-line')).toHaveText(line);
  }

  /** After a revert: the next step on a host, such as “Pull due” or “Recovered”. */
  now(host: string): Locator {
    return this.row(host).locator('.outcome-now');
  }

  async isDecided(decision: DecisionName): Promise<void> {
    await expect(this.self).toHaveAttribute('data-decision', decision);
  }

  get revert(): Locator {
    return this.self.getByRole('link', { name: 'Revert PR', exact: true });
  }

  /** A link if there is one log, else the button of a menu: see `logs`. */
  get viewLogs(): Locator {
    return this.self
      .getByRole('button', { name: 'View Logs' })
      .or(this.self.getByRole('link', { name: 'View Logs' }));
  }

  /** The links in the menu of logs: “imac0: tests”, “hsb0: switch”. */
  log(host: string, step: 'switch' | 'tests'): Locator {
    return this.self.getByRole('link', { name: `${host}: ${step}`, exact: true });
  }

  get continueAnyway(): Locator {
    return this.self.getByRole('button', { name: 'Continue Anyway' });
  }

  get rollBackFailed(): Locator {
    return this.self.getByRole('link', { name: 'Roll back failed hosts' });
  }

  get pullAndSwitchAll(): Locator {
    return this.self.getByRole('link', { name: 'Pull and Switch all' });
  }

  /** Opens the page of the deployment. */
  get details(): Locator {
    return this.self.getByRole('link', { name: 'Details' });
  }
}

export class RevertDialog {
  readonly self: Locator;

  constructor(
    readonly page: Page,
    readonly number: number,
  ) {
    this.self = page.getByRole('dialog', { name: `Revert PR #${number}?` });
  }

  /** The numbered list under “This will:”. */
  get willDo(): Locator {
    return this.self.getByRole('list', { name: 'This will:' }).getByRole('listitem');
  }

  /** The list under “You will need to:”. */
  get isLeftToDo(): Locator {
    return this.self.getByRole('list', { name: 'You will need to:' }).getByRole('listitem');
  }

  /** What the revert means for each host. */
  get onHosts(): Locator {
    return this.self.getByRole('list', { name: 'On the hosts:' }).getByRole('listitem');
  }

  get reason(): Locator {
    return this.self.getByRole('textbox', { name: /^Reason/ });
  }

  get thenRollOut(): Locator {
    return this.self.getByRole('checkbox', { name: /^Then roll out/ });
  }

  get confirm(): Locator {
    return this.self.getByRole('button', { name: `Revert PR #${this.number}`, exact: true });
  }

  get cancel(): Locator {
    return this.self.getByRole('link', { name: 'Cancel' });
  }

  /** Why the last attempt failed, or what was decided since the dialog was opened. */
  get alert(): Locator {
    return this.self.getByRole('alert');
  }
}

/** The list of all deployments. */
export class DeploymentsPage {
  constructor(readonly page: Page) {}

  get rows(): Locator {
    return this.page.getByRole('main').locator('tbody').getByRole('row');
  }

  /** The deployment of this pull request. */
  of(number: number): Locator {
    const head = this.page.getByRole('rowheader', { name: new RegExp(`^#${number}\\b`) });
    return this.rows.filter({ has: head });
  }

  link(name: 'Older' | 'Newest'): Locator {
    return this.page.getByRole('main').getByRole('link', { name, exact: true });
  }
}
