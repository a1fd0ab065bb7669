/**
 * The structure of each page, dialog and component, as screen readers hear it. `end2end/structure` has the
 * record; `--update-snapshots` rewrites it after an intended change, for the reviewer to read.
 */

import { badDay } from '../support/bad-day';
import { openScene, scenes } from '../support/gallery';
import { test } from '../support/story';
import { heard, isAsWritten, outline } from '../support/structure';
import { nobody, test as plain } from '../support/test';
import { ofFleet, ofStory, outside } from '../support/views';

plain('the pages of a fleet', async ({ page, fleet, watch }) => {
  watch.allow(/\b404\b/);
  await badDay(page, fleet);
  for (const [name, { goTo }] of Object.entries(ofFleet)) {
    await goTo(page, undefined);
    isAsWritten(await outline(page), `page ${name}`);
  }
});

test('the pages of a pull request', async ({ page, story }) => {
  await story.begin();
  for (const [name, { goTo }] of Object.entries(ofStory)) {
    await goTo(page, story);
    isAsWritten(await outline(page), `story ${name}`);
  }
});

plain('the pages outside', async ({ another, watch }) => {
  watch.allow(/\b404\b/);
  const page = await another({ storageState: nobody });
  for (const [name, { goTo }] of Object.entries(outside)) {
    await goTo(page, undefined);
    isAsWritten(await heard(page), `outside ${name}`);
  }
});

plain('the components', async ({ page }) => {
  for (const scene of (await scenes(page)).filter((scene) => !['tokens', 'icons', 'buttons', 'forms'].includes(scene))) {
    await openScene(page, scene);
    isAsWritten(await heard(page, 'main'), `component ${scene}`);
  }
});
