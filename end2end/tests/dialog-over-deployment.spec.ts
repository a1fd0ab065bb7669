import { DeploymentPanel, RevertDialog } from '../pages/deployment';
import { number, test } from '../support/story';
import { expect, open } from '../support/test';

test('“Revert PR” on a deployment’s page opens over that page, and gives the focus back', async ({ page, story }) => {
  await story.begin('gpc0', 'hsb0');
  await story.fail('gpc0', 'hsb0');
  await open(page, '/');
  const panel = new DeploymentPanel(page);
  await panel.details.click();
  await expect(page).toHaveURL(/\/deployments\/[^/]+$/);
  const address = new URL(page.url()).pathname;
  const dialog = new RevertDialog(page, number);
  const waysOut = [() => page.keyboard.press('Escape'), () => dialog.cancel.click()];
  for (const leave of waysOut) {
    await panel.revert.click();
    await expect(dialog.confirm).toBeEnabled();
    await expect(page).toHaveURL(`${address}/here/revert`);
    await expect(page.getByRole('heading', { name: 'PR #42', exact: true, includeHidden: true })).toHaveCount(1);
    await leave();
    await expect(dialog.self).toHaveCount(0);
    await expect(page).toHaveURL(address);
    await expect(panel.revert).toBeFocused();
  }
});
