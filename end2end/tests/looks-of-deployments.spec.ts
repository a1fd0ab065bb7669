import { attachPicture, fits, isAccessible, isLegible, sizes, themes } from '../support/look';
import { test } from '../support/story';
import { ofStory } from '../support/views';

for (const colorScheme of themes) {
  for (const [size, viewport] of Object.entries(sizes)) {
    test.describe(`${colorScheme}, ${size}`, () => {
      test.use({ colorScheme, viewport });

      test('every page and dialog of the story fits and is legible, and axe finds nothing', async ({ page, story }, testInfo) => {
        // Many pages, and axe takes seconds for each.
        test.setTimeout(300_000);
        await story.begin();
        for (const [name, { goTo }] of Object.entries(ofStory)) {
          await test.step(name, async () => {
            await goTo(page, story);
            await attachPicture(page, testInfo, `${name}-${size}-${colorScheme}`);
            await fits(page);
            await isLegible(page);
            await isAccessible(page);
          });
        }
      });
    });
  }
}
