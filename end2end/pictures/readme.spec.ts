import { RollbackDialog } from '../pages/dialog';
import { HostView, notice } from '../pages/fleet';
import { latestOps } from '../pages/host';
import type { Fleet } from '../support/fleet';
import { sizes } from '../support/look';
import { picture } from '../support/pictures';
import * as plans from '../support/plans';
import { expect, open, test } from '../support/test';

test.use({ deviceScaleFactor: 2, viewport: { width: 1280, height: 800 } });

/** A fleet on an ordinary bad day: one host broken, one rolling back, one offline, the others fine. */
async function fleetOnABadDay(fleet: Fleet): Promise<void> {
  const broken = plans.gpc0(fleet.repository);
  const fine = (name: string, first: number, commit?: string) => plans.fine(fleet.repository, name, first, commit);
  const [before] = fleet.repository.commits.slice(-2);
  const hosts = [broken, fine('hsb0', 112), fine('hsb1', 87, before), fine('csb0', 203), plans.imac0(fleet.repository)];
  for (const plan of hosts) await fleet.add(plan);
  const msww87 = await fleet.add({ ...broken, name: 'msww87' });
  await msww87.hold();
  const csb0 = fleet.host('csb0');
  await csb0.stopAgent();
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`pictures, ${colorScheme}`, async ({ page, fleet }) => {
    test.setTimeout(180_000);
    await page.emulateMedia({ colorScheme });
    await fleetOnABadDay(fleet);

    await open(page, '/hosts/msww87/rollback');
    await new RollbackDialog(page, 'msww87').confirm(47).click();
    await HostView.inFleet(page, 'msww87').shows('System', 'working', 'Rolling back to Gen 47');
    await expect.poll(() => fleet.host('msww87').holding()).toBe(true);
    await picture(page, `fleet-${colorScheme}`);

    await open(page, '/hosts/gpc0');
    const timeline = page.getByRole('region', { name: 'Timeline' });
    await expect(timeline).toContainText('Last worked on Gen 47');
    await picture(timeline, `timeline-${colorScheme}`);

    await open(page, '/hosts/gpc0/rollback');
    const dialog = new RollbackDialog(page, 'gpc0');
    await dialog.reason.fill('X11 does not start since the last update');
    await picture(page, `rollback-dialog-${colorScheme}`);

    await dialog.confirm(47).click();
    await HostView.inFleet(page, 'gpc0').shows('Tests', 'ok', '8/8 passed');
    await expect(notice(page, 'Rolled back to Gen 47')).toBeVisible();
    await picture(page, `rolled-back-${colorScheme}`);

    await page.getByRole('row', { name: /gpc0/ }).getByRole('link', { name: 'gpc0' }).click();
    await (await latestOps(page)).getByRole('link', { name: 'Rollback to Gen 47' }).first().click();
    await page.getByRole('link', { name: 'Open in full' }).click();
    await expect(page.getByRole('log', { name: 'Output' })).toContainText('activating the configuration...');
    await picture(page, `op-${colorScheme}`);

    await open(page, '/audit');
    await picture(page, `audit-${colorScheme}`);

    await page.setViewportSize(sizes.phone);
    await open(page, '/');
    await picture(page, `phone-${colorScheme}`);
  });
}
