/** While a roll-out runs, nothing that a person is about to press moves away from under them. */

import type { Page } from '@playwright/test';

import { RolloutPanel } from '../pages/rollout';
import { sizes } from '../support/look';
import { followsMain } from '../support/plans';
import { forgetShifts, shifted, watchShifts } from '../support/shifts';
import { test } from '../support/story';
import { expect, open } from '../support/test';

const hosts = ['csb0', 'gpc0', 'hsb0', 'imac0'];

/** The foot of a short page makes room for notices. */
const foot = '<footer';
const logs = '<span class="outcome-logs"';

/** Expects that next to nothing moved, as Chromium scores it; what follows an input does not count. */
async function hardlyMoved(page: Page): Promise<void> {
  const makesRoom = (moved: string[]) => moved.every((what) => what.startsWith(foot) || what.startsWith(logs));
  const shifts = (await shifted(page)).filter(({ moved }) => !makesRoom(moved));
  const sum = shifts.reduce((sum, { value }) => sum + value, 0);
  expect.soft(sum, `what moved on ${page.url()}: ${JSON.stringify(shifts, null, 2)}`).toBeLessThan(0.02);
}

/** Expects the ways back to be one press away from the answer. */
async function listsBroken(page: Page): Promise<void> {
  const list = page.getByRole('list', { name: 'Broken hosts' });
  await expect(list).toHaveCount(0);
  await page.getByRole('heading', { level: 1 }).getByRole('button', { name: /^\d of 4 hosts (is|are) broken$/ }).click();
  await expect(list.getByRole('link', { name: 'hsb0: Rollback to Gen 7' })).toBeFocused();
}

/** Whose tests fail in a roll-out that fails. */
const broken: Record<string, string[]> = { hsb0: ['gpu: no device'], imac0: ['x11: cannot open display :0'] };

const stories = [
  { what: 'a roll-out to four hosts', fails: {}, stop: true, end: 'done' },
  { what: 'a roll-out that fails on two of four hosts', fails: broken, stop: false, end: 'done' },
  { what: 'a roll-out that stops at its first failure', fails: broken, stop: true, end: 'stopped' },
] as const;

for (const { what, fails, stop, end } of stories) {
  for (const [size, viewport] of Object.entries(sizes)) {
    test(`${what} moves next to nothing, ${size}`, async ({ another, story, fleet }) => {
      const plan = (name: string) => followsMain(fleet.repository, name, (fails as typeof broken)[name]);
      await Promise.all(hosts.map((name) => fleet.add(plan(name))));
      await story.merge();
      const fleetPage = await another({ viewport });
      const itsPage = await another({ viewport });
      await Promise.all([watchShifts(fleetPage), watchShifts(itsPage)]);

      await fleet.host('csb0').hold();
      const over = story.rollOut(hosts, { parallel: 1, stop });
      await expect.poll(() => fleet.host('csb0').holding()).toBe(true);
      await open(fleetPage, '/');
      await open(itsPage, `/rollouts/${(await story.told()).rollout?.id}`);
      // What moves from the first paint on is tested elsewhere.
      await Promise.all([forgetShifts(fleetPage), forgetShifts(itsPage)]);
      await fleet.host('csb0').letGo();
      await over;
      for (const page of [fleetPage, itsPage]) {
        await new RolloutPanel(page).isAt(end);
        await hardlyMoved(page);
      }
      if (fails === broken) await listsBroken(fleetPage);
    });
  }
}
