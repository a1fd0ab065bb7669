import { DeploymentPanel } from '../pages/deployment';
import { HostView, connection, notice } from '../pages/fleet';
import { MergeDialog, PullRequests } from '../pages/pull-requests';
import { nixpkgs } from '../support/plans';
import { lock, number, test } from '../support/story';
import { expect, open } from '../support/test';
import { refusal } from '../support/watch';

test('an open update shows what it changes, its checks, and that it can be merged', async ({ page, story }) => {
  await story.begin('gpc0');
  await open(page, '/');
  const card = new PullRequests(page).card(number);
  await expect(card.title('Update flake.lock')).toHaveAttribute('href', /\/example\/nixcfg\/pull\/42$/);
  await expect(card.inputs).toHaveText([/^home-manager 43c2d6c → e0f91bb\b/, /^nixpkgs 5ae3b07 → 8f1c2d3\b/]);
  await expect(card.checks).toHaveText('Checks: 3 passed');
  await expect(card.mergeable).toHaveText('Can be merged');
});

test('Merge PR: a real merge, and Git and Lock of every host turn yellow in every browser', async ({
  page,
  another,
  story,
  github,
}) => {
  await story.begin('gpc0', 'csb0');
  const other = await another();
  await open(other, '/');
  await open(page, '/');
  for (const name of ['gpc0', 'csb0']) await HostView.inFleet(other, name).shows('Lock', 'ok', 'Up to date');
  const head = await github.head();

  await new PullRequests(page).card(number).merge.click();
  const dialog = new MergeDialog(page, number);
  await expect(dialog.cancel).toBeVisible();
  expect(await github.head(), 'nothing is merged before it is confirmed').toBe(head);
  await dialog.confirm.click();

  for (const view of [page, other]) {
    await expect(new DeploymentPanel(view).heading('Deployment of PR #42')).toBeVisible();
    await expect(new PullRequests(view).card(number).self).toHaveCount(0);
    for (const name of ['gpc0', 'csb0']) {
      await HostView.inFleet(view, name).shows('Git', 'attention', /./);
      await HostView.inFleet(view, name).shows('Lock', 'attention', /./);
      await HostView.inFleet(view, name).shows('Tests', 'ok', '3/3 passed');
    }
  }
  const [merge] = await github.history();
  expect(merge.parents).toEqual([head, await github.head('update-flake-lock')]);
  expect(await github.git('show', `${merge.sha}:flake.lock`)).toContain(nixpkgs.update);
});

test('one confirmation merges and rolls out', async ({ page, story }) => {
  await story.begin('gpc0', 'csb0');
  await open(page, '/');
  await new PullRequests(page).card(number).merge.click();
  const dialog = new MergeDialog(page, number);
  await expect(dialog.thenRollOut).not.toBeChecked();
  await expect(dialog.self).toContainText('Then roll out to the 2 hosts, 2 at a time');
  await dialog.thenRollOut.check();
  await dialog.confirm.click();
  const panel = new DeploymentPanel(page);
  for (const name of ['csb0', 'gpc0']) await panel.says(name, `✓ ${name} - Switch OK, Tests OK`);
  await expect(panel.self.locator('[data-rollout]')).toHaveAttribute('data-state', 'done');
});

test('commits pushed since the person looked are not merged unseen', async ({ page, story, github, watch }) => {
  watch.allow(refusal);
  await story.begin('gpc0');
  await open(page, '/');
  await new PullRequests(page).card(number).merge.click();
  const dialog = new MergeDialog(page, number);
  const head = await github.head();
  // At the last moment: the page has sent its request, and GitHub has not merged yet.
  const gate = await github.gate('before', 'PUT', 'pulls/42/merge');
  await dialog.confirm.click({ noWaitAfter: true });
  await gate.stops();
  await github.commit('And one more thing', { 'thing.nix': '{ }\n' }, 'update-flake-lock');
  await gate.open();
  await expect(dialog.alert.filter({ hasText: 'Pull request #42 was not merged.' })).toBeVisible();
  expect(await github.head()).toBe(head);
  expect((await story.told()).deployment).toBeNull();
});

test('an open dialog says that the pull request has changed', async ({ page, story, github }) => {
  await story.begin('gpc0');
  await open(page, '/');
  await new PullRequests(page).card(number).merge.click();
  const dialog = new MergeDialog(page, number);
  await expect(dialog.confirm).toBeEnabled();
  await github.commit('And one more thing', { 'thing.nix': '{ }\n' }, 'update-flake-lock');
  await expect(dialog.alert).toBeVisible();
  await expect(dialog.confirm).toBeDisabled();
});

test('a pull request that is closed unmerged is not merged any more', async ({ page, story, github, watch }) => {
  watch.allow(refusal);
  await story.begin('gpc0');
  await open(page, '/');
  await new PullRequests(page).card(number).merge.click();
  const dialog = new MergeDialog(page, number);
  const head = await github.head();
  const gate = await github.gate('before', 'PUT', 'pulls/42/merge');
  await dialog.confirm.click({ noWaitAfter: true });
  await gate.stops();
  await github.close(number);
  await gate.open();
  await expect(page.getByRole('alert').filter({ hasText: 'Pull request #42 was not merged.' })).toBeVisible();
  expect(await github.head()).toBe(head);
  await open(page, '/');
  await expect(new PullRequests(page).card(number).self).toHaveCount(0);
  await expect(new DeploymentPanel(page).self).toHaveCount(0);
});

test('pull requests come and go without a reload, and only updates are shown', async ({ page, story, github }) => {
  await story.begin('gpc0');
  await open(page, '/');
  const pulls = new PullRequests(page);
  await expect(pulls.card(number).self).toBeVisible();
  const other = { title: 'Water the plants', branch: 'plants', files: { 'plants.nix': '{ }\n' } };
  await github.openPullRequest(other);
  const update = { ...lock('update'), nixpkgs: '0123456789abcdef0123456789abcdef01234567' };
  const again = { title: 'Update flake.lock once more', branch: 'more', labels: ['flake-update'], files: { 'flake.lock': update } };
  const newer = await github.openPullRequest(again);
  await expect(pulls.card(newer).self).toBeVisible();
  await expect(pulls.self).not.toContainText('Water the plants');
  await github.close(number);
  await expect(pulls.card(number).self).toHaveCount(0);
  await expect(pulls.card(newer).inputs).toContainText(['nixpkgs 5ae3b07 → 0123456']);
});

test('failed checks and conflicting changes are shown', async ({ page, story, github }) => {
  await story.begin('gpc0');
  await open(page, '/');
  const card = new PullRequests(page).card(number);
  await github.setChecks(await github.head('update-flake-lock'), { 'build gpc0': 'success', 'build hsb0': 'failure' });
  const byHand = { ...lock('before'), nixpkgs: '0123456789abcdef0123456789abcdef01234567' };
  await github.commit('Pin nixpkgs by hand', { 'flake.lock': byHand });
  await expect(card.checks).toHaveText('Checks: 1 failed (build hsb0), 1 passed');
  await expect(card.mergeable).toContainText('conflict');
});

test('GitHub is away: the page says since when, and everything else works', async ({ page, story, github }) => {
  await story.begin('gpc0');
  await open(page, '/');
  const pulls = new PullRequests(page);
  await expect(pulls.card(number).self).toBeVisible();
  await github.goAway();
  await expect(pulls.unreadable).toBeVisible();
  await expect(connection(page)).toHaveText('Live');
  await HostView.inFleet(page, 'gpc0').choose('Run Tests');
  await expect(notice(page, /passed/)).toBeVisible();
  await github.comeBack();
  await expect(pulls.unreadable).toHaveCount(0);
  await expect(pulls.card(number).self).toBeVisible();
});

test('a token without write permission is reported before anybody tries', async ({ page, fleet, github }) => {
  await github.permit('read');
  await fleet.server.stop();
  await fleet.server.start();
  await open(page, '/');
  await expect(new PullRequests(page).problems).toContainText([
    'The token may not write to example/nixcfg: pull requests are shown, but none can be merged or reverted.',
  ]);
});

test('a viewer sees everything and can merge nothing', async ({ another, story, fleet }) => {
  await story.begin('gpc0');
  const viewer = { name: 'vera', password: 'an onlooker, nothing more' };
  await fleet.server.addPerson(viewer.name, 'viewer', viewer.password);
  const client = await fleet.client(viewer);
  const page = await another({ storageState: await client.storageState() });
  await client.dispose();
  await open(page, '/');
  const card = new PullRequests(page).card(number);
  await expect(card.inputs).toHaveCount(2);
  await expect(card.merge).toHaveCount(0);
});
