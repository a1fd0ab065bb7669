/** The about page: what the server keeps, for how long, and how much space it takes. */

import { expect, open, test } from '../support/test';

test('the about page says how much space what takes, and how long it is kept', async ({ page, gpc0: _ }) => {
  const storage = page.getByRole('region', { name: 'Storage' });
  const row = (what: string) => storage.getByRole('row').filter({ has: page.getByRole('rowheader', { name: what }) });
  await expect(async () => {
    await open(page, '/about');
    await expect(row('Audit log').getByRole('cell').first()).toHaveText(/^\d+\skB$/);
  }).toPass();
  await expect(row('Audit log')).toContainText('For ever');
  await expect(row('Output of ops').getByRole('cell').last()).toHaveText('90 days');
  await expect(row('Ops and rollbacks')).toContainText('365 days; at least the newest 200 of each host');
  await expect(storage).toContainText(/The database: \d+\skB, measured /);
});
