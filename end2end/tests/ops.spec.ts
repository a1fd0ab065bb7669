import { LogDrawer } from '../pages/op';
import { OpsPage } from '../pages/ops';
import type { Fleet } from '../support/fleet';
import type { Host } from '../support/host';
import * as plans from '../support/plans';
import { expect, open, test } from '../support/test';

/** Requests rollbacks of gpc0 to a missing generation; the server refuses and records each. */
async function refusedRollbacks(fleet: Fleet, gpc0: Host, count: number): Promise<void> {
  const client = await fleet.client();
  const [target, seen] = [`45 ${await gpc0.build(45)}`, `48 ${await gpc0.build(48)}`];
  for (let i = 0; i < count; i += 1) {
    const form = { host: 'gpc0', target, seen, reason: `attempt ${i + 1}`, back: '/' };
    const answer = await client.post('/api/request_rollback', { form, headers: { accept: 'application/json' } });
    expect(answer.status()).toBe(409);
  }
  await client.dispose();
}

test('the history of the fleet: filters are in the address, and it says what they hide', async ({ page, fleet, gpc0 }) => {
  await fleet.add(plans.imac0(fleet.repository));
  await refusedRollbacks(fleet, gpc0, 1);
  await fleet.ask('imac0', 'refresh');
  await open(page, '/');
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Ops' }).click();
  const ops = new OpsPage(page);
  await expect(ops.rows).toHaveCount(2);
  await expect(ops.rows.first(), 'newest first').toContainText('imac0');
  await expect(ops.ops('Rollback to Gen 45')).toContainText('Gen 45 was garbage-collected.');
  await expect(ops.ops('Rollback to Gen 45')).toContainText('“attempt 1”');

  await ops.choice('Host').selectOption('gpc0');
  await expect(page).toHaveURL(/\/ops\?host=gpc0/);
  await expect(ops.rows).toHaveCount(1);
  await ops.choice('Outcome').selectOption('Refused');
  await expect(page).toHaveURL(/outcome=refused/);
  await expect(ops.rows).toHaveCount(1);
  await ops.choice('Op').selectOption('Pull');
  await expect(ops.rows).toHaveCount(0);
  await expect(page.getByRole('main')).toContainText(
    'No matching ops. The filter is: host gpc0, “Pull”, outcome “Refused”.',
  );
  await page.goBack();
  await expect(ops.rows).toHaveCount(1);
  await expect(ops.choice('Op')).toHaveValue('');

  await ops.person.fill('nobody');
  await ops.filter.click();
  await expect(page).toHaveURL(/by=nobody/);
  await expect(ops.rows).toHaveCount(0);
  await page.reload();
  await expect(page.getByRole('main')).toContainText('person nobody');
  await expect(ops.person).toHaveValue('nobody');
  await ops.link('Show all ops').click();
  await expect(ops.rows).toHaveCount(2);

  await ops.text.fill('ATTEMPT 1');
  await ops.filter.click();
  await expect(ops.rows).toHaveCount(1);
  await expect(ops.ops('Rollback to Gen 45')).toHaveCount(1);
  await page.getByLabel('From', { exact: true }).fill('2099-01-01');
  await ops.filter.click();
  await expect(page.getByRole('main')).toContainText('No matching ops. The filter is: from 2099-01-01, text “ATTEMPT 1”.');
});

test('the history is live: ops appear, progress and end on the open page', async ({ page, fleet, gpc0 }) => {
  await gpc0.rewriteFirstTest('hold');
  await open(page, '/ops');
  const ops = new OpsPage(page);
  await expect(page.getByRole('main')).toContainText('No ops on any host yet.');
  await page.evaluate(() => document.documentElement.setAttribute('data-never-reloaded', ''));
  await fleet.ask('gpc0', 'test');
  const run = ops.ops('Run Tests');
  await expect(run).toContainText(/tests 0\/8 · \d+:\d\d/);
  await run.getByRole('link', { name: 'Run Tests' }).click();
  await new LogDrawer(page, 'Run Tests', 'gpc0').came('running');
  await gpc0.letTestsGo();
  await expect(run.locator('[data-status]')).toHaveAttribute('data-status', 'failed');
  await expect(run).toContainText(/\d tests failed/);
  await expect(run).toContainText('of 8 tests passed');
  await expect(page.locator('html[data-never-reloaded]')).toHaveCount(1);
});

test('a list filtered to open ops drops them when they end', async ({ page, fleet, gpc0 }) => {
  await gpc0.rewriteFirstTest('hold');
  await fleet.ask('gpc0', 'test');
  await open(page, '/ops?outcome=open');
  const ops = new OpsPage(page);
  await expect(ops.rows).toHaveCount(1);
  await gpc0.letTestsGo();
  await expect(ops.rows).toHaveCount(0);
  await expect(page.getByRole('main')).toContainText('outcome “Open”');
});

test('older ops are on pages of their own', async ({ page, fleet, gpc0 }) => {
  await refusedRollbacks(fleet, gpc0, 53);
  await open(page, '/ops?host=gpc0');
  const ops = new OpsPage(page);
  await expect(ops.rows).toHaveCount(50);
  await expect(ops.rows.first()).toContainText('“attempt 53”');
  await ops.link('Older').click();
  await expect(page).toHaveURL(/\/ops\?host=gpc0&before=/);
  await expect(ops.rows).toHaveCount(3);
  await expect(ops.rows.last()).toContainText('“attempt 1”');
  await expect(ops.link('Older')).toHaveCount(0);
  // New ops belong on the first page.
  await fleet.ask('gpc0', 'refresh');
  await ops.link('Newest').click();
  await expect(ops.ops('Refresh')).toHaveCount(1);
  await expect(ops.rows.first()).toContainText('Refresh');
});
