import type { Page } from '@playwright/test';

import { DeploymentPanel, DeploymentsPage, RevertDialog, RollBackFailedDialog } from '../pages/deployment';
import { HostView } from '../pages/fleet';
import { MergeDialog, PullRequests } from '../pages/pull-requests';
import { RolloutDialog, RolloutPanel } from '../pages/rollout';
import { attachPicture, fits, isAccessible, sizes } from '../support/look';
import { type Story, number, test } from '../support/story';
import { expect, open } from '../support/test';

/** What to look at, in the order of the story; each step says what must be there before one looks. */
const steps: Record<string, (page: Page, story: Story) => Promise<void>> = {
  'open pull request': async (page) => {
    await open(page, '/');
    await expect(new PullRequests(page).card(number).mergeable).toHaveText('Can be merged');
  },
  'merge dialog': async (page) => {
    await new PullRequests(page).card(number).merge.click();
    await expect(new MergeDialog(page, number).confirm).toBeEnabled();
  },
  merged: async (page) => {
    await new MergeDialog(page, number).confirm.click();
    await expect(new DeploymentPanel(page).heading('Deployment of PR #42')).toBeVisible();
    await HostView.inFleet(page, 'gpc0').shows('Lock', 'attention', /./);
  },
  'roll-out dialog': async (page) => {
    await new DeploymentPanel(page).pullAndSwitchAll.click();
    await expect(new RolloutDialog(page).host('gpc0')).toBeVisible();
  },
  'deployment failed': async (page, story) => {
    await story.rollOut(['gpc0', 'hsb0', 'imac0']);
    await open(page, '/');
    await expect(new DeploymentPanel(page).heading('Deployment Failed')).toBeVisible();
    await new RolloutPanel(page).isAt('done');
  },
  'menu of logs': async (page) => {
    const panel = new DeploymentPanel(page);
    await panel.viewLogs.click();
    await expect(panel.log('imac0', 'tests')).toBeVisible();
  },
  'rollback dialog of failed hosts': async (page) => {
    await page.keyboard.press('Escape');
    await new DeploymentPanel(page).rollBackFailed.click();
    await expect(new RollBackFailedDialog(page).row('hsb0')).toContainText('Gen 7');
  },
  'revert dialog': async (page) => {
    await open(page, '/');
    await new DeploymentPanel(page).revert.click();
    await expect(new RevertDialog(page, number).confirm).toBeEnabled();
  },
  reverted: async (page) => {
    await new RevertDialog(page, number).confirm.click();
    await expect(new DeploymentPanel(page).heading('PR #42 reverted')).toBeVisible();
    await expect(new DeploymentPanel(page).now('gpc0')).toHaveText('Pull due');
  },
  'page of the deployment': async (page) => {
    await new DeploymentPanel(page).details.click();
    await expect(page).toHaveURL(/\/deployments\/./);
    await expect(new DeploymentPanel(page).heading('PR #42 reverted')).toBeVisible();
  },
  'all deployments': async (page) => {
    await open(page, '/deployments');
    await expect(new DeploymentsPage(page).of(number)).toBeVisible();
  },
};

for (const colorScheme of ['light', 'dark'] as const) {
  for (const [size, viewport] of Object.entries(sizes)) {
    test.describe(`${colorScheme}, ${size}`, () => {
      test.use({ colorScheme, viewport });

      test('every page and dialog of the story fits, and axe finds nothing', async ({ page, story }, testInfo) => {
        // Many pages, each of which axe takes seconds to look at.
        test.setTimeout(180_000);
        await story.begin();
        for (const [name, goTo] of Object.entries(steps)) {
          await test.step(name, async () => {
            await goTo(page, story);
            await attachPicture(page, testInfo, `${name}-${size}-${colorScheme}`);
            await fits(page);
            await isAccessible(page);
          });
        }
      });
    });
  }
}
