/** Pictures of components, for `docs/components.md`. */

import { openScene, scenes } from '../support/gallery';
import { themes } from '../support/look';
import { picture } from '../support/pictures';
import { expect, nobody, test } from '../support/test';

test.use({ deviceScaleFactor: 2, viewport: { width: 1100, height: 700 }, storageState: nobody });

const shown = ['tokens', 'icons', 'lights', 'buttons', 'messages', 'badges', 'op-states', 'log', 'fleet', 'deployment-failed', 'rollout-running', 'changes', 'keys'];

for (const colorScheme of themes) {
  test(`pictures of components, ${colorScheme}`, async ({ page }) => {
    test.setTimeout(180_000);
    await page.emulateMedia({ colorScheme });
    expect(await scenes(page)).toEqual(expect.arrayContaining(shown));
    for (const scene of shown) {
      await openScene(page, scene);
      await picture(page.getByRole('main'), `component-${scene}-${colorScheme}`);
    }
  });
}
