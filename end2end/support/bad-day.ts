/** A fleet with a bit of everything: gpc0, whose tests fail, and imac0, which was rolled back and runs its tests. */

import type { Page } from '@playwright/test';

import { RollbackDialog } from '../pages/dialog';
import { HostView } from '../pages/fleet';
import type { Fleet } from './fleet';
import * as plans from './plans';
import { expect, open } from './test';

/** Prints every colour and style, on every background. */
const colours = [
  "printf 'a \\033[4mneedle\\033[0m in the hay\\n'",
  "for style in 0 1 2 3 4 7; do for colour in 0 1 2 3 4 5 6 7; do printf \"\\033[$style;3${colour}mplain\\033[9${colour}m bright \"; done; echo; done",
  "for colour in 0 1 2 3 4 5 6 7; do printf \"\\033[4${colour}mground \\033[97mwhite \\033[31mred\\033[0m \"; done; echo",
];

/** Creates it, in a fleet without hosts. */
export async function badDay(page: Page, fleet: Fleet): Promise<void> {
  await fleet.add(plans.gpc0(fleet.repository));
  const imac0 = await fleet.add(plans.imac0(fleet.repository));
  await open(page, '/hosts/imac0/here/rollback');
  await new RollbackDialog(page, 'imac0').confirm(11).click();
  await expect(page).toHaveURL('/hosts/imac0');
  await HostView.onItsPage(page, 'imac0').shows('Tests', 'ok', '3/3 passed');
  await imac0.rewriteFirstTest(...colours, 'hold');
  await fleet.ask('imac0', 'test');
}
