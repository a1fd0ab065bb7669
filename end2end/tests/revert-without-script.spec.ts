import { type Page, expect } from '@playwright/test';

import { DeploymentPanel, RevertDialog } from '../pages/deployment';
import { HostView } from '../pages/fleet';
import { MergeDialog, PullRequests } from '../pages/pull-requests';
import { RolloutDialog } from '../pages/rollout';
import { number, test } from '../support/story';

/** Without script nothing updates automatically: reloads until it is so. */
async function afterLookingAgain(page: Page, holds: () => Promise<void>): Promise<void> {
  await expect(async () => {
    await page.reload();
    await holds();
  }).toPass();
}

/** Chooses hosts and starts the roll-out on them. */
async function rollOut(page: Page, hosts: string[]): Promise<void> {
  const dialog = new RolloutDialog(page);
  for (const name of ['csb0', 'gpc0', 'hsb0']) await dialog.host(name).setChecked(hosts.includes(name));
  await dialog.atOnce.fill('2');
  await dialog.confirmWithoutScript.click();
}

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('merge, roll out, revert, and roll out again', async ({ page, story, fleet, github }) => {
    await story.begin('gpc0', 'hsb0', 'csb0');
    await page.goto('/');
    await new PullRequests(page).card(number).merge.click();
    await new MergeDialog(page, number).confirm.click();
    const panel = new DeploymentPanel(page);
    await expect(panel.heading('Deployment of PR #42')).toBeVisible();

    await panel.pullAndSwitchAll.click();
    await rollOut(page, ['gpc0', 'hsb0']);
    const once = { timeout: 500 };
    await afterLookingAgain(page, async () => {
      await expect(panel.heading('Deployment Failed')).toBeVisible(once);
      await expect(panel.row('gpc0')).toContainText('Switch OK, Tests OK', once);
      await expect(panel.row('hsb0')).toContainText('Switch OK, Tests FAIL (gpu)', once);
      await expect(panel.row('csb0')).toContainText('Not attempted', once);
    });

    await panel.revert.click();
    await new RevertDialog(page, number).confirm.click();
    await expect(panel.heading('PR #42 reverted')).toBeVisible();
    await story.isRevertedOnce();

    await page.goto('/rollout');
    await rollOut(page, ['gpc0', 'hsb0']);
    await afterLookingAgain(page, async () => {
      for (const name of ['gpc0', 'hsb0']) {
        const row = HostView.inFleet(page, name);
        await expect(row.light('Tests')).toHaveText('3/3 passed', once);
        await expect(row.light('Lock')).toHaveAttribute('data-state', 'ok', once);
        await expect(row.light('System')).toHaveText(/^Gen 9/, once);
      }
    });
    const [revert] = await github.reverts();
    expect(await fleet.host('hsb0').current()).toBe(9);
    expect(await github.head()).toBe(revert.sha);
  });
});
