import { DeploymentPanel, RevertDialog } from '../pages/deployment';
import { PullRequests } from '../pages/pull-requests';
import { picture } from '../support/pictures';
import { number, test } from '../support/story';
import { expect, open } from '../support/test';

test.use({ deviceScaleFactor: 2, viewport: { width: 1280, height: 860 } });

for (const colorScheme of ['light', 'dark'] as const) {
  test(`pictures of a pull request, ${colorScheme}`, async ({ page, story }) => {
    test.setTimeout(180_000);
    await page.emulateMedia({ colorScheme });
    await story.begin();
    await open(page, '/');
    await expect(new PullRequests(page).card(number).mergeable).toHaveText('Can be merged');
    await picture(page, `pull-request-${colorScheme}`);

    await story.fail();
    const panel = new DeploymentPanel(page);
    await expect(panel.heading('Deployment Failed')).toBeVisible();
    await panel.says('imac0', '✗ imac0 - Switch OK, Tests FAIL (x11)');
    await open(page, '/');
    await expect(panel.heading('Deployment Failed')).toBeVisible();
    await picture(page, `deployment-failed-${colorScheme}`);

    await panel.revert.click();
    await expect(new RevertDialog(page, number).confirm).toBeEnabled();
    await picture(page, `revert-dialog-${colorScheme}`);
  });
}
