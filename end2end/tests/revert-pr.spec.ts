import { AuditPage } from '../pages/audit';
import { DeploymentPanel, RevertDialog } from '../pages/deployment';
import { HostView, notice } from '../pages/fleet';
import { RolloutDialog, RolloutPanel } from '../pages/rollout';
import { number, test } from '../support/story';
import { expect, open } from '../support/test';

test.describe('Fleet-Wide PR Revert', () => {
  test('“Revert PR” button appears after failed Merge PR', async ({ page, story }) => {
    await story.begin('gpc0', 'hsb0');
    await open(page, '/');
    const panel = new DeploymentPanel(page);
    await expect(panel.self).toHaveCount(0);

    await story.merge();
    await expect(panel.heading('Deployment of PR #42')).toBeVisible();
    await story.rollOut(['gpc0']);
    await panel.says('gpc0', '✓ gpc0 - Switch OK, Tests OK');
    await expect(panel.revert, 'nothing has failed').toHaveCount(0);

    await story.rollOut(['hsb0']);
    await expect(panel.heading('Deployment Failed')).toBeVisible();
    await expect(panel.revert).toBeVisible();
    await expect(panel.viewLogs).toBeVisible();
    await expect(panel.continueAnyway).toBeVisible();
  });

  test('Shows which hosts succeeded/failed', async ({ page, story }) => {
    await story.begin();
    await open(page, '/');
    await story.fail('gpc0', 'hsb0', 'imac0');
    const panel = new DeploymentPanel(page);
    await panel.says('gpc0', '✓ gpc0 - Switch OK, Tests OK');
    await panel.says('imac0', '✗ imac0 - Switch OK, Tests FAIL (x11)');
    await panel.says('hsb0', '✗ hsb0 - Switch OK, Tests FAIL (gpu)');
    await panel.says('csb0', '⬜ csb0 - Not attempted');

    // As in the mock-up, from top to bottom.
    await expect(panel.self).toMatchAriaSnapshot(`
      - heading "Deployment Failed"
      - list "Hosts":
        - listitem: /csb0 - Not attempted/
        - listitem: /gpc0 - Switch OK, Tests OK/
        - listitem: /hsb0 - Switch OK, Tests FAIL \\(gpu\\)/
        - listitem: /imac0 - Switch OK, Tests FAIL \\(x11\\)/
      - link "Revert PR"
      - button "View Logs"
      - button "Continue Anyway"
    `);
  });

  test('Creates revert commit on nixcfg', async ({ page, story, github }) => {
    await story.begin('hsb0');
    await story.fail('hsb0');
    const [merge, before] = await github.history();
    await open(page, '/');
    await new DeploymentPanel(page).revert.click();
    const dialog = new RevertDialog(page, number);
    await expect(dialog.self).toMatchAriaSnapshot(`
      - 'dialog "Revert PR #42?"':
        - 'heading "Revert PR #42?"'
        - paragraph: "This will:"
        - list "This will:":
          - listitem: Create revert commit on nixcfg
          - listitem: Push to GitHub
          - listitem: Mark all hosts Lock outdated (yellow)
        - paragraph: "You will need to:"
        - list "You will need to:":
          - listitem: Pull on all hosts (gets revert)
          - listitem: Switch on all hosts (applies revert)
        - link "Cancel"
        - 'button "Revert PR #42"'
    `);
    const inputs = dialog.self.getByRole('list', { name: 'Changed inputs' }).getByRole('listitem');
    await expect(inputs).toHaveText([/^home-manager \w{7} → \w{7}/, /^nixpkgs \w{7} → \w{7}/]);
    await expect(inputs.getByRole('link').first()).toHaveAttribute('href', /\/compare\//);
    expect(await github.head(), 'nothing is made before it is confirmed').toBe(merge.sha);

    await dialog.confirm.click();
    await new DeploymentPanel(page).isDecided('reverted');
    const [revert] = await github.reverts();
    expect(revert.parents).toEqual([merge.sha]);
    expect(revert.tree).toBe(await github.git('rev-parse', `${merge.sha}^1^{tree}`));
    expect(revert.tree).not.toBe(merge.tree);
    expect(before.sha).not.toBe(revert.sha);
    await story.isRevertedOnce();
  });

  test('Pushes to GitHub', async ({ page, another, story, github, fleet }) => {
    await story.begin('hsb0');
    await story.fail('hsb0');
    const olaf = { name: 'olaf', password: 'somebody else who looks' };
    await fleet.server.addPerson(olaf.name, 'operator', olaf.password);
    const client = await fleet.client(olaf);
    const other = await another({ storageState: await client.storageState() });
    await client.dispose();
    await open(other, '/');
    await open(page, '/');
    await new DeploymentPanel(page).revert.click();
    await new RevertDialog(page, number).confirm.click();

    const panel = new DeploymentPanel(page);
    await expect(panel.heading('PR #42 reverted')).toBeVisible();
    const [revert] = await github.reverts();
    expect(await github.head(), 'it is the head of main').toBe(revert.sha);
    await expect(panel.self).toContainText(`PR #42 reverted by admin (commit ${revert.sha.slice(0, 7)}).`);
    await story.leavesNoScratch();

    // Everybody else who looks hears it at once.
    await expect(new DeploymentPanel(other).heading('PR #42 reverted')).toBeVisible();
    await expect(notice(other, 'PR #42 reverted - Pull to get reverted flake.lock')).toBeVisible();
  });

  test('Updates all host Lock compartments (yellow)', async ({ page, another, story }) => {
    await story.begin('gpc0', 'hsb0', 'csb0');
    await story.fail('gpc0', 'hsb0');
    const other = await another();
    await open(other, '/');
    await open(page, '/');
    for (const name of ['gpc0', 'hsb0']) await HostView.inFleet(other, name).shows('Lock', 'ok', 'Up to date');
    await HostView.inFleet(other, 'csb0').shows('Lock', 'attention', /./);

    await new DeploymentPanel(page).revert.click();
    await new RevertDialog(page, number).confirm.click();
    for (const view of [page, other]) {
      for (const name of ['gpc0', 'hsb0']) {
        await HostView.inFleet(view, name).shows('Lock', 'attention', /./);
        await HostView.inFleet(view, name).shows('Git', 'attention', /./);
      }
      // It never had the pull request: after the revert, main has its files again.
      await HostView.inFleet(view, 'csb0').shows('Lock', 'ok', 'Up to date');
    }
  });

  test('User then manually pulls/switches hosts', async ({ page, story, fleet, github }) => {
    await story.begin();
    await story.fail('gpc0', 'hsb0', 'imac0');
    await open(page, '/');
    const panel = new DeploymentPanel(page);
    await panel.revert.click();
    await new RevertDialog(page, number).confirm.click();
    await panel.isDecided('reverted');
    for (const name of ['gpc0', 'hsb0', 'imac0']) await expect(panel.now(name)).toHaveText('Pull due');
    await expect(panel.now('csb0')).toHaveText('Recovered');

    // One by hand, in two steps, as the specification says.
    await HostView.inFleet(page, 'hsb0').choose('Pull');
    await HostView.inFleet(page, 'hsb0').shows('Lock', 'ok', 'Up to date');
    await HostView.inFleet(page, 'hsb0').choose('Switch');
    await expect(panel.now('hsb0')).toHaveText('Recovered');

    // And the others at once.
    await panel.pullAndSwitchAll.click();
    const dialog = new RolloutDialog(page);
    for (const name of ['hsb0', 'csb0']) await dialog.host(name).uncheck();
    for (const name of ['gpc0', 'imac0']) await dialog.host(name).check();
    await dialog.confirm('Pull and Switch', 2).click();
    await new RolloutPanel(page).isAt('done');

    // All are recognised as good: the commit is new, and its files are not.
    await expect(page.getByRole('main')).toContainText('No host runs it any more.');
    const [revert] = await github.reverts();
    for (const name of ['gpc0', 'hsb0', 'imac0']) {
      const row = HostView.inFleet(page, name);
      await row.shows('Git', 'ok', `At ${revert.sha.slice(0, 7)}`);
      await row.shows('Lock', 'ok', 'Up to date');
      await row.shows('System', 'ok', /^Gen 9/);
      await row.shows('Tests', 'ok', '3/3 passed');
      expect(await fleet.host(name).current()).toBe(9);
    }
    await HostView.inFleet(page, 'csb0').shows('System', 'ok', /^Gen 7/);
    await story.isRevertedOnce();
  });
});

test('a revert says what it means for each host and why, and rolls itself out if asked to', async ({ page, story, fleet }) => {
  await story.begin('gpc0', 'hsb0', 'csb0');
  await story.fail('gpc0', 'hsb0');
  await open(page, '/');
  const panel = new DeploymentPanel(page);
  await panel.revert.click();
  const dialog = new RevertDialog(page, number);
  await expect(dialog.onHosts).toHaveText([
    /^gpc0: Gen 8 .* → without the pull request/,
    /^hsb0: Gen 8 .* → without the pull request, as on Gen 7/,
    /^csb0: Gen 7 .*does not run the pull request$/,
  ]);
  await expect(dialog.thenRollOut).not.toBeChecked();
  await expect(dialog.self).toContainText('Then roll out to the 2 hosts that have had it, 2 at a time');
  await dialog.thenRollOut.check();
  await dialog.reason.fill('no picture on hsb0');
  await dialog.confirm.click();

  // The story ends while the person looks: nothing folds under their finger.
  await expect(panel.self).toContainText('No host runs it any more.');
  await expect(panel.heading('PR #42 reverted')).toBeVisible();
  await expect(panel.self).toContainText('“no picture on hsb0”');
  await new RolloutPanel(page).isAt('done');
  for (const name of ['gpc0', 'hsb0']) expect(await fleet.host(name).current()).toBe(9);
  expect(await fleet.host('csb0').current()).toBe(7);
  await story.isRevertedOnce();

  // On the next visit it is one line.
  await page.reload();
  await expect(panel.self).toContainText('No host runs it any more.');
  await expect(panel.heading('PR #42 reverted')).toHaveCount(0);
  await open(page, '/audit');
  await expect(new AuditPage(page).entries('pr.revert-requested')).toContainText('no picture on hsb0');
});

test('two people press “Revert PR” at once: there is exactly one revert', async ({ page, another, story, watch }) => {
  watch.allow(/\b409\b/);
  await story.begin('hsb0');
  await story.fail('hsb0');
  const other = await another();
  for (const view of [page, other]) {
    await open(view, '/');
    await new DeploymentPanel(view).revert.click();
    await expect(new RevertDialog(view, number).confirm).toBeEnabled();
  }
  // Without waiting: the second person may find the button gone.
  const press = (button: HTMLElement | SVGElement) => (button as HTMLElement).click();
  await Promise.all([page, other].map((view) => new RevertDialog(view, number).confirm.evaluate(press)));
  await expect.poll(() => story.decision()).toBe('reverted');
  await story.isRevertedOnce();
  for (const view of [page, other]) {
    await open(view, '/');
    await new DeploymentPanel(view).isDecided('reverted');
  }
});

test('during the revert nobody can request it again', async ({ page, another, story, github }) => {
  await story.begin('hsb0');
  await story.fail('hsb0');
  const other = await another();
  await open(other, '/');
  await open(page, '/');
  const gate = await github.gate('before', 'PATCH', 'git/refs/heads/main');
  await new DeploymentPanel(page).revert.click();
  await new RevertDialog(page, number).confirm.click({ noWaitAfter: true });
  await gate.stops();
  const panel = new DeploymentPanel(other);
  await expect(panel.heading('Reverting PR #42…')).toBeVisible();
  await expect(panel.revert).toHaveCount(0);
  await gate.open();
  await expect(panel.heading('PR #42 reverted')).toBeVisible();
  await story.isRevertedOnce();
});

test('main moves on during the revert: the revert is made on its new head', async ({ page, story, github }) => {
  await story.begin('hsb0');
  await story.fail('hsb0');
  await open(page, '/');
  const gate = await github.gate('before', 'PATCH', 'git/refs/heads/main');
  await new DeploymentPanel(page).revert.click();
  await new RevertDialog(page, number).confirm.click({ noWaitAfter: true });
  await gate.stops();
  const later = await github.commit('Water the plants', { 'plants.nix': '{ }\n' });
  await gate.open();

  await new DeploymentPanel(page).isDecided('reverted');
  const [revert] = await github.reverts();
  expect(revert.parents).toEqual([later]);
  expect(await github.git('ls-tree', '--name-only', revert.sha)).toContain('plants.nix');
  await story.isRevertedOnce();
});

for (const [when, method, what] of [
  ['before the branch is moved', 'PATCH', 'git/refs/heads/main'],
  ['while the revert is being found', 'POST', 'merges'],
] as const) {
  for (const moment of ['before', 'after'] as const) {
    test(`the server dies ${when}, ${moment} GitHub has done it: one revert, and no branch left`, async ({
      page,
      story,
      fleet,
      github,
      watch,
    }) => {
      watch.allow(/ERR_|NS_ERROR_|\b50\d\b/);
      await story.begin('hsb0');
      await story.fail('hsb0');
      await open(page, '/');
      const gate = await github.gate(moment, method, what);
      await new DeploymentPanel(page).revert.click();
      await new RevertDialog(page, number).confirm.click({ noWaitAfter: true });
      await gate.stops();
      await fleet.server.kill();
      await gate.open();
      await fleet.server.start();
      await expect.poll(() => story.decision()).toBe('reverted');
      await story.isRevertedOnce();
      await open(page, '/');
      await expect(new DeploymentPanel(page).heading('PR #42 reverted')).toBeVisible();
    });
  }
}

test('who merged, who reverted and the results are in the audit log', async ({ page, story, github, fleet }) => {
  await story.begin('hsb0');
  await story.fail('hsb0');
  await open(page, '/');
  await new DeploymentPanel(page).revert.click();
  await new RevertDialog(page, number).confirm.click();
  await new DeploymentPanel(page).isDecided('reverted');
  const [revert] = await github.reverts();

  await open(page, '/audit');
  const audit = new AuditPage(page);
  const way = { who: 'admin', host: '', way: '', why: '' };
  await audit.has({ ...way, what: 'pr.merged', outcome: 'Pull request #42 was merged.' });
  await audit.has({ ...way, what: 'pr.revert-requested', outcome: 'Requested the revert of the pull request.' });
  const outcome = `Pull request #42 was reverted by ${revert.sha.slice(0, 7)}.`;
  await audit.has({ ...way, what: 'pr.reverted', outcome });
  await expect(audit.intact).toBeVisible();
  expect(await fleet.server.verifyAudit()).toContain('intact');
});
