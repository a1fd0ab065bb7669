/** What helps the person on call: pins, notes, saved views, and the picture of the fleet that filters. */

import { RollbackDialog } from '../pages/dialog';
import { HostView } from '../pages/fleet';
import { Crowd } from '../support/crowd';
import { looksRight, sizes } from '../support/look';
import { expect, open, test } from '../support/test';

test('a pinned generation is marked on every page until it is unpinned', async ({ page, another, gpc0 }, testInfo) => {
  const colleague = await another();
  await open(colleague, `/hosts/${gpc0.name}`);
  await open(page, `/hosts/${gpc0.name}`);
  await page.getByRole('link', { name: 'Pin Gen 46', exact: true }).click();
  await expect(page).toHaveURL(`/hosts/${gpc0.name}/pin/46`);
  await expect(page.getByText('it does not keep the generation on the host')).toBeVisible();
  await looksRight(page, testInfo, 'pin');
  await page.getByLabel('Note').fill('before the new kernel');
  await page.getByRole('button', { name: 'Pin', exact: true }).click();
  await expect(page).toHaveURL(`/hosts/${gpc0.name}#timeline`);

  const mark = 'Pinned by admin: before the new kernel';
  for (const view of [page, colleague]) {
    await expect(view.getByRole('region', { name: 'Timeline' }).getByText(mark), 'also on a page that stays open').toBeVisible();
  }
  await open(page, `/hosts/${gpc0.name}/rollback`);
  const dialog = new RollbackDialog(page, gpc0.name);
  await expect(dialog.choice(46)).toContainText(mark);
  await expect(dialog.choice(47), 'a pin does not change what worked').toContainText('Last known working');
  await expect(dialog.radio(47)).toBeChecked();

  await open(page, `/hosts/${gpc0.name}`);
  await page.getByRole('link', { name: 'Change the pin of Gen 46' }).click();
  await page.getByRole('button', { name: 'Unpin' }).click();
  for (const view of [page, colleague]) await expect(view.getByText(mark)).toHaveCount(0);
});

test.describe('without script', () => {
  test.use({ javaScriptEnabled: false });

  test('a generation is pinned, and a view is saved', async ({ page, gpc0 }) => {
    await page.goto(`/hosts/${gpc0.name}/pin/47`);
    await page.getByRole('button', { name: 'Pin', exact: true }).click();
    await expect(page.getByText('Pinned by admin')).toBeVisible();
    await page.goto('/?q=gpc');
    await page.getByRole('button', { name: 'View', exact: true }).click();
    await page.getByRole('textbox', { name: 'Name of the view' }).fill('desktops');
    await page.getByRole('button', { name: 'Save this view' }).click();
    await expect(page).toHaveURL('/?q=gpc');
    await page.goto('/');
    await page.getByRole('button', { name: 'View', exact: true }).click();
    await page.getByRole('link', { name: 'desktops' }).click();
    await expect(page).toHaveURL('/?q=gpc');
  });
});

test('a saved view is there on a second device, and its address can be shared', async ({ page, another, fleet, gpc0 }, testInfo) => {
  await open(page, '/');
  await page.getByRole('combobox', { name: 'Filter hosts' }).fill(gpc0.name);
  await page.getByLabel('Sort').selectOption('Name');
  await expect(page).toHaveURL('/?q=gpc0&sort=name');
  await page.getByRole('button', { name: 'View', exact: true }).click();
  await page.getByRole('textbox', { name: 'Name of the view' }).fill('My “desk”');
  await page.getByRole('button', { name: 'Save this view' }).click();
  await expect(page).toHaveURL('/?q=gpc0&sort=name');
  await open(page, '/');
  await page.getByRole('button', { name: 'View', exact: true }).click();
  await looksRight(page, testInfo, 'saved-views');

  const client = await fleet.client();
  const phone = await another({ storageState: await client.storageState(), viewport: sizes.phone });
  await open(phone, fleet.server.url);
  await phone.getByRole('button', { name: 'View', exact: true }).click();
  await phone.getByRole('link', { name: 'My “desk”' }).click();
  await expect(phone).toHaveURL('/?q=gpc0&sort=name');
  await expect(HostView.inFleet(phone, gpc0.name).text).toBeVisible();
  await open(phone, fleet.server.url);
  await phone.getByRole('button', { name: 'View', exact: true }).click();
  await phone.getByRole('button', { name: 'Remove the view My “desk”' }).click();
  await phone.getByRole('button', { name: 'View', exact: true }).click();
  await expect(phone.getByRole('link', { name: 'My “desk”' })).toHaveCount(0);
  await client.dispose();
});

for (const [size, viewport] of Object.entries(sizes)) {
  test(`a host’s note is one line of its row, and all of it on a tap: ${size}`, async ({ page, fleet, gpc0 }, testInfo) => {
    await page.setViewportSize(viewport);
    const notes = 'Do not roll back below Gen 45: the database was migrated.\nAsk maria first, she knows the disk. '.repeat(3).trim();
    const client = await fleet.client();
    await client.post('/api/set_labels', { form: { host: gpc0.name, tags: 'desk', notes } });
    await client.dispose();
    await open(page, '/');
    const note = page.locator('.row-note');
    await expect(note).toHaveAttribute('title', notes);
    const height = async () => (await note.boundingBox())?.height ?? 0;
    const short = await height();
    expect(short).toBeLessThan(30);
    await looksRight(page, testInfo, `note-${size}`);
    await note.click();
    await expect.poll(height).toBeGreaterThan(2 * short);
    await looksRight(page, testInfo, `note-open-${size}`);
    await page.getByRole('button', { name: 'View', exact: true }).click();
    await page.getByRole('radio', { name: /^Compact/ }).check();
    await page.keyboard.press('Escape');
    await expect.poll(height, 'one line again').toBeLessThan(30);
    await looksRight(page, testInfo, `note-compact-${size}`);
  });
}

test('a state in the picture of the fleet is a filter, by mouse and by key', async ({ page, fleet }, testInfo) => {
  test.setTimeout(120_000);
  const crowd = await Crowd.join(fleet.server, 40);
  await open(page, '/');
  const strip = page.getByRole('group', { name: /^40 hosts: / });
  const failed = strip.getByRole('link', { name: 'Show hosts: Failed' });
  await expect(failed).toHaveAttribute('href', '/?q=status%3Afailed');
  await failed.locator('path').click({ position: { x: 2, y: 2 } });
  await expect(page).toHaveURL('/?q=status%3Afailed');
  await strip.getByRole('link', { name: 'Show hosts: Pending' }).focus();
  await looksRight(page, testInfo, 'strip-focus');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL('/?q=status%3Adue');
  await crowd.end();
});
