/**
 * Every page and dialog, with how to get there and what must be there before a test looks.
 * `tests/every-page.spec.ts` fails if the app has an address that is missing here.
 */

import type { Page } from '@playwright/test';

import { DeploymentPanel, DeploymentsPage, RevertDialog } from '../pages/deployment';
import { RollbackDialog } from '../pages/dialog';
import { HostView } from '../pages/fleet';
import { latestOps } from '../pages/host';
import { LogDrawer } from '../pages/op';
import { RollBackFailedDialog } from '../pages/planned-rollback';
import { MergeDialog, PullRequests } from '../pages/pull-requests';
import { RolloutDialog, RolloutPanel } from '../pages/rollout';
import { type Story, number } from './story';
import { expect, open } from './test';

/** A page or a dialog. */
export interface View<World = undefined> {
  /** The address as `app/src/app.rs` writes it, or the server for a page of its own. */
  route: string;
  /** Goes there. */
  goTo: (page: Page, world: World) => Promise<void>;
}

/**
 * The views of a fleet with gpc0, whose tests fail, and imac0, which was rolled back and runs its tests:
 * first those that need the tests to run.
 */
export const ofFleet: Record<string, View> = {
  'busy host': {
    route: '/hosts/:name',
    goTo: async (page) => {
      await open(page, '/hosts/imac0');
      await expect(page.getByRole('progressbar', { name: 'Tests' }).first()).toBeVisible();
    },
  },
  'dialog of a busy host': {
    route: '/hosts/:name/rollback',
    goTo: async (page) => {
      await open(page, '/hosts/imac0/rollback');
      await expect(new RollbackDialog(page, 'imac0').self).toContainText('imac0 is running its tests');
    },
  },
  ops: {
    route: '/ops',
    goTo: async (page) => {
      await open(page, '/ops');
      await expect(page.getByRole('progressbar', { name: 'Tests' })).toBeVisible();
    },
  },
  drawer: {
    route: '/',
    goTo: async (page) => {
      await open(page, '/');
      await HostView.inFleet(page, 'imac0').text.getByRole('link', { name: 'Run Tests' }).click();
      await expect(page.getByRole('log', { name: 'Output' })).toContainText('needle');
    },
  },
  search: {
    route: '/',
    goTo: async (page) => {
      const drawer = new LogDrawer(page, 'Run Tests', 'imac0');
      await drawer.search.fill('needle');
      await expect(drawer.count).toHaveText('1 of 1');
      await drawer.button('Times').click();
    },
  },
  'not found': {
    route: '/*any',
    goTo: async (page) => {
      await open(page, '/nothing/of/this/name');
      await expect(page.getByRole('heading', { name: 'Not found' })).toBeVisible();
    },
  },
  fleet: { route: '/', goTo: (page) => open(page, '/') },
  menu: {
    route: '/',
    goTo: async (page) => {
      await open(page, '/');
      const row = HostView.inFleet(page, 'gpc0');
      await row.menuButton.click();
      await expect(row.item('Rollback System')).toBeVisible();
    },
  },
  'no matching hosts': {
    route: '/',
    goTo: async (page) => {
      await open(page, '/?q=nothing-of-this-name');
      await expect(page.getByText('No matching hosts.')).toBeVisible();
    },
  },
  dialog: {
    route: '/hosts/:name/rollback',
    goTo: async (page) => {
      await open(page, '/hosts/gpc0/rollback');
      const dialog = new RollbackDialog(page, 'gpc0');
      await dialog.radio(44).check();
      await expect(dialog.changes).toContainText('reboot needed');
    },
  },
  'what changes': {
    route: '/hosts/:name/rollback',
    goTo: async (page) => {
      await open(page, '/hosts/gpc0/rollback');
      const dialog = new RollbackDialog(page, 'gpc0');
      await dialog.changes.click();
      await expect(dialog.sheet.getByText(/^Undoes/).first()).toBeVisible();
    },
  },
  'dialog over the host': {
    route: '/hosts/:name/here/rollback',
    goTo: async (page) => {
      await open(page, '/hosts/gpc0/here/rollback');
      await expect(new RollbackDialog(page, 'gpc0').changes).toBeVisible();
    },
  },
  comparison: {
    route: '/hosts/:name/compare/:pair',
    goTo: async (page) => {
      await open(page, '/hosts/gpc0/compare/47..48');
      await expect(page.getByText(/^Adds 1 commit/)).toBeVisible();
    },
  },
  pin: {
    route: '/hosts/:name/pin/:generation',
    goTo: async (page) => {
      await open(page, '/hosts/gpc0/pin/47');
      await expect(page.getByRole('button', { name: 'Pin', exact: true })).toBeVisible();
    },
  },
  'comparison of hosts': {
    route: '/compare/:pair',
    goTo: async (page) => {
      await open(page, '/compare/gpc0..imac0');
      await expect(page.getByRole('heading', { name: 'What they run' })).toBeVisible();
    },
  },
  'dialog of no host': {
    route: '/hosts/:name/rollback',
    goTo: async (page) => {
      await open(page, '/hosts/nobody/rollback');
      await expect(new RollbackDialog(page, 'nobody').self).toContainText('There is no host with this name.');
    },
  },
  'roll-out': {
    route: '/rollout',
    goTo: async (page) => {
      await open(page, '/rollout');
      await expect(new RolloutDialog(page).host('gpc0')).toBeVisible();
    },
  },
  'rollback of several': {
    route: '/rollback',
    goTo: async (page) => {
      await open(page, '/rollback?host=gpc0&host=imac0');
      await expect(page.getByRole('dialog')).toContainText('gpc0');
    },
  },
  'add a host': {
    route: '/add-host',
    goTo: async (page) => {
      await open(page, '/add-host');
      await expect(page.getByRole('dialog')).toBeVisible();
    },
  },
  host: { route: '/hosts/:name', goTo: (page) => open(page, '/hosts/gpc0') },
  op: {
    route: '/ops/:id',
    goTo: async (page) => {
      await open(page, '/hosts/imac0');
      await (await latestOps(page)).getByRole('link', { name: /^Rollback to Gen/ }).click();
      await page.getByRole('link', { name: 'Open in full' }).click();
      await expect(page.getByRole('log', { name: 'Output' })).toContainText('Activating');
    },
  },
  'drawer of a host': {
    route: '/hosts/:name',
    goTo: async (page) => {
      await open(page, '/hosts/imac0');
      await (await latestOps(page)).getByRole('link', { name: /^Rollback to Gen/ }).click();
      await new LogDrawer(page, 'Rollback to Gen 11', 'imac0').came('succeeded');
    },
  },
  'no ops': {
    route: '/ops',
    goTo: async (page) => {
      await open(page, '/ops?outcome=refused');
      await expect(page.getByRole('link', { name: 'Show all ops' })).toBeVisible();
    },
  },
  audit: { route: '/audit', goTo: (page) => open(page, '/audit') },
  'no deployments': { route: '/deployments', goTo: (page) => open(page, '/deployments') },
  notices: { route: '/notices', goTo: (page) => open(page, '/notices') },
  about: { route: '/about', goTo: (page) => open(page, '/about') },
  people: { route: '/people', goTo: (page) => open(page, '/people') },
  confirm: {
    route: '/confirm/:next',
    goTo: (page) => open(page, '/confirm/%2Faudit'),
  },
  account: {
    route: '/account',
    goTo: async (page) => {
      await open(page, '/account');
      // Other tests' log-ins are rows as well.
      const others = page.getByRole('button', { name: 'End all other sessions' });
      if ((await others.count()) > 0) {
        await others.click();
        await expect(page.locator('.said')).toBeVisible();
      }
      await open(page, '/account');
    },
  },
  palette: {
    route: '/',
    goTo: async (page) => {
      await open(page, '/');
      await page.keyboard.press('Control+k');
      await expect(page.getByRole('dialog', { name: 'Command palette' })).toBeVisible();
      await page.keyboard.type('gpc0');
      await expect(page.getByRole('dialog', { name: 'Command palette' }).getByRole('option').first()).toContainText('gpc0');
    },
  },
  keys: {
    route: '/',
    goTo: async (page) => {
      await open(page, '/');
      await page.keyboard.press('?');
      await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
    },
  },
};

/** Goes to the page of the newest deployment. */
async function toItsPage(page: Page): Promise<void> {
  await open(page, '/');
  await new DeploymentPanel(page).details.click();
  await expect(page).toHaveURL(/\/deployments\/./);
}

/** The views in the story of a pull request, in the order of the story. */
export const ofStory: Record<string, View<Story>> = {
  'open pull request': {
    route: '/',
    goTo: async (page) => {
      await open(page, '/');
      await expect(new PullRequests(page).card(number).mergeable).toHaveText('Can be merged');
    },
  },
  'merge dialog': {
    route: '/pull-requests/:number/merge',
    goTo: async (page) => {
      await new PullRequests(page).card(number).merge.click();
      await expect(new MergeDialog(page, number).confirm).toBeEnabled();
    },
  },
  merged: {
    route: '/',
    goTo: async (page) => {
      await new MergeDialog(page, number).confirm.click();
      await expect(new DeploymentPanel(page).heading('Deployment of PR #42')).toBeVisible();
      await HostView.inFleet(page, 'gpc0').shows('Lock', 'attention', /./);
    },
  },
  'roll-out dialog': {
    route: '/rollout',
    goTo: async (page) => {
      await new DeploymentPanel(page).pullAndSwitchAll.click();
      await expect(new RolloutDialog(page).host('gpc0')).toBeVisible();
    },
  },
  'deployment failed': {
    route: '/',
    goTo: async (page, story) => {
      await story.rollOut(['gpc0', 'hsb0', 'imac0']);
      await open(page, '/');
      await expect(new DeploymentPanel(page).heading('Deployment Failed')).toBeVisible();
      await new RolloutPanel(page).isAt('done');
    },
  },
  'page of the roll-out': {
    route: '/rollouts/:id',
    goTo: async (page) => {
      await new RolloutPanel(page).details.click();
      await expect(page.getByRole('heading', { name: /^Pull and Switch on/ })).toBeVisible();
    },
  },
  'menu of logs': {
    route: '/',
    goTo: async (page) => {
      await open(page, '/');
      const panel = new DeploymentPanel(page);
      await panel.viewLogs.click();
      await expect(panel.log('imac0', 'tests')).toBeVisible();
    },
  },
  'rollback dialog of failed hosts': {
    route: '/deployments/:id/rollback',
    goTo: async (page) => {
      await page.keyboard.press('Escape');
      await new DeploymentPanel(page).rollBackFailed.click();
      await expect(new RollBackFailedDialog(page).row('hsb0')).toContainText('Gen 7');
    },
  },
  'rollback dialog over the deployment': {
    route: '/deployments/:id/here/rollback',
    goTo: async (page) => {
      await page.keyboard.press('Escape');
      await toItsPage(page);
      await new DeploymentPanel(page).rollBackFailed.click();
      await expect(new RollBackFailedDialog(page).row('hsb0')).toContainText('Gen 7');
      await page.keyboard.press('Escape');
    },
  },
  'revert dialog over the deployment': {
    route: '/deployments/:id/here/revert',
    goTo: async (page) => {
      await toItsPage(page);
      await new DeploymentPanel(page).revert.click();
      await expect(new RevertDialog(page, number).confirm).toBeEnabled();
    },
  },
  'revert dialog': {
    route: '/deployments/:id/revert',
    goTo: async (page) => {
      await open(page, '/');
      await new DeploymentPanel(page).revert.click();
      await expect(new RevertDialog(page, number).confirm).toBeEnabled();
    },
  },
  reverted: {
    route: '/',
    goTo: async (page) => {
      await new RevertDialog(page, number).confirm.click();
      await expect(new DeploymentPanel(page).heading('PR #42 reverted')).toBeVisible();
      await expect(new DeploymentPanel(page).now('gpc0')).toHaveText('Pull due');
      // csb0 never pulled the update: the reverted branch has the files that it has.
      await expect(HostView.inFleet(page, 'csb0').light('Git')).toHaveText('Same files');
    },
  },
  'page of the deployment': {
    route: '/deployments/:id',
    goTo: async (page) => {
      await new DeploymentPanel(page).details.click();
      await expect(page).toHaveURL(/\/deployments\/./);
      await expect(new DeploymentPanel(page).heading('PR #42 reverted')).toBeVisible();
    },
  },
  'all deployments': {
    route: '/deployments',
    goTo: async (page) => {
      await open(page, '/deployments');
      await expect(new DeploymentsPage(page).of(number)).toBeVisible();
    },
  },
};

/** The views for people who are not logged in, or got lost; none of them follows events. */
export const outside: Record<string, View> = {
  login: {
    route: '/login',
    goTo: async (page) => {
      await page.goto('/login');
      await expect(page.locator('html')).toHaveAttribute('data-hydrated', 'true');
    },
  },
  // One that is valid is looked at in `people.spec.ts`.
  'void invitation': {
    route: '/invite/:secret',
    goTo: async (page) => {
      await page.goto('/invite/nothing');
      await expect(page.getByText('This invitation is no longer valid.')).toBeVisible();
    },
  },
};
