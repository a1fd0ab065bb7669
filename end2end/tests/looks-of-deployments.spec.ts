import { looksRight, sizes } from '../support/look';
import { test } from '../support/story';
import { ofStory } from '../support/views';

for (const [size, viewport] of Object.entries(sizes)) {
  test.describe(size, () => {
    test.use({ viewport });

    test('every page and dialog of the story fits and is legible, and axe finds nothing', async ({ page, story }, testInfo) => {
      // Many pages, and axe takes seconds for each.
      test.setTimeout(900_000);
      await story.begin();
      for (const [name, { goTo }] of Object.entries(ofStory)) {
        await test.step(name, async () => {
          await goTo(page, story);
          await looksRight(page, testInfo, `${name}-${size}`);
        });
      }
    });
  });
}
