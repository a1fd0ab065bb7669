/** The gallery: every component in its states, with data that never change. */

import { type Page, expect } from '@playwright/test';

/** The names of its scenes, as it lists them. */
export async function scenes(page: Page): Promise<string[]> {
  await page.goto('/gallery');
  const links = page.getByRole('navigation', { name: 'Scenes' }).getByRole('link');
  const addresses = await links.evaluateAll((all) => all.map((link) => link.getAttribute('href') ?? ''));
  expect(addresses.length, 'scenes of the gallery').toBeGreaterThan(20);
  return addresses.map((address) => address.replace('/gallery/', ''));
}

/** Opens a scene, and everything in it that opens without script. */
export async function openScene(page: Page, scene: string): Promise<void> {
  await page.goto(`/gallery/${scene}`);
  await expect(page.getByRole('main')).toHaveAttribute('data-scene', scene);
  if (scene === 'confirm') await page.getByRole('button', { name: 'Cancel' }).click();
}
