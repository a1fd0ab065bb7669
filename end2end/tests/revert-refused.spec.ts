/** Reverts that fail, or become something else: each says why in its own words. */

import type { Page } from '@playwright/test';

import { AuditPage } from '../pages/audit';
import { DeploymentPanel, RevertDialog } from '../pages/deployment';
import { connection } from '../pages/fleet';
import type { GitHub } from '../support/github';
import { type Story, lock, number, test } from '../support/story';
import { expect, open } from '../support/test';
import { refusal } from '../support/watch';

/** Breaks hsb0 with the pull request, and requests its revert. */
async function askForRevert(page: Page, story: Story, before?: () => Promise<unknown>): Promise<RevertDialog> {
  await story.begin('hsb0');
  await story.fail('hsb0');
  await before?.();
  await open(page, '/');
  await new DeploymentPanel(page).revert.click();
  const dialog = new RevertDialog(page, number);
  await dialog.confirm.click();
  return dialog;
}

/** Expects no effect: neither on `main` nor on the decision. */
async function isAsItWas(page: Page, story: Story, github: GitHub, head: string): Promise<void> {
  expect(await github.head()).toBe(head);
  await story.leavesNoScratch();
  await open(page, '/');
  const panel = new DeploymentPanel(page);
  await panel.isDecided('open');
  await expect(panel.heading('Deployment Failed')).toBeVisible();
  await panel.says('hsb0', '✗ hsb0 - Switch OK, Tests FAIL (gpu)');
  await expect(panel.revert).toBeVisible();
}

test('the token may not write: the panel says which permission it needs', async ({ page, story, github, watch }) => {
  watch.allow(refusal);
  let head = '';
  const dialog = await askForRevert(page, story, async () => {
    head = await github.head();
    await github.permit('read');
  });
  await expect(dialog.alert).toContainText('GitHub does not allow this with the token');
  await expect(dialog.alert).toContainText('Give it read and write access to contents and pull requests.');
  await expect(dialog.alert).toContainText('The branch was not changed.');
  await github.permit('write');
  await isAsItWas(page, story, github, head);
  await open(page, '/audit');
  await expect(new AuditPage(page).entries('pr.revert-failed')).toContainText('GitHub does not allow this with the token');
});

test('later changes conflict: the page says so, and main is not changed', async ({ page, story, github, watch }) => {
  watch.allow(refusal);
  let head = '';
  const dialog = await askForRevert(page, story, async () => {
    const byHand = { ...lock('update'), nixpkgs: '0123456789abcdef0123456789abcdef01234567' };
    head = await github.commit('Pin nixpkgs by hand', { 'flake.lock': byHand });
  });
  await expect(dialog.alert).toHaveText(
    'Pull request #42 cannot be reverted on its own: later changes on main touch the same lines. main was not changed. Revert it by hand, or roll the hosts back.',
  );
  await isAsItWas(page, story, github, head);
});

test('it was reverted by hand already: the page says so', async ({ page, story, github, watch }) => {
  watch.allow(refusal);
  let head = '';
  const dialog = await askForRevert(page, story, async () => {
    head = await github.commit('Back to what worked', { 'flake.lock': lock('before') });
  });
  await expect(dialog.alert).toHaveText(
    'Nothing of pull request #42 is left on main: it was already taken back. Nothing was changed.',
  );
  await isAsItWas(page, story, github, head);
});

test('GitHub is away: the page says so, and the revert succeeds when it is back', async ({ page, story, github, watch }) => {
  watch.allow(refusal);
  let head = '';
  const dialog = await askForRevert(page, story, async () => {
    head = await github.head();
    await github.goAway();
  });
  await expect(dialog.alert).toContainText('GitHub cannot be reached');
  await expect(dialog.alert).toContainText('Try again: a revert is never made twice.');
  await expect(connection(page), 'nothing else is broken').toHaveText('Live');
  await github.comeBack();
  await isAsItWas(page, story, github, head);

  await new DeploymentPanel(page).revert.click();
  await dialog.confirm.click();
  await new DeploymentPanel(page).isDecided('reverted');
  await story.isRevertedOnce();
});

test('main is protected: the revert waits as a pull request, and the panel leads to it', async ({ page, story, github }) => {
  let head = '';
  await askForRevert(page, story, async () => {
    head = await github.head();
    await github.protectMain();
  });
  const panel = new DeploymentPanel(page);
  await panel.isDecided('proposed');
  await expect(panel.heading('Revert of PR #42 proposed')).toBeVisible();
  const link = panel.self.getByRole('link', { name: 'Pull request #43' });
  await expect(link).toHaveAttribute('href', /\/example\/nixcfg\/pull\/43$/);
  await expect(panel.self).toContainText('Pull request #43 with the revert is waiting to be merged.');

  expect(await github.head(), 'main is as it was').toBe(head);
  const [proposed] = await github.history('backstay/revert-42');
  expect(proposed.subject).toBe('Revert PR #42 (auto-rollback after failed deployment)');
  expect(proposed.parents).toEqual([head]);
  await story.leavesNoScratch();
});
