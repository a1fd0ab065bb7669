// An OpenID Connect provider for the tests: the certified `oidc-provider`, with people and groups of ours.
//
// Its first line on standard output is `listening`. It reads its settings from the variable PROVIDER:
// `port`, the `client` as the provider's configuration names it, `people` as groups by name, and `key`, a private JSON Web Key.

import Provider from 'oidc-provider';

const { port, client, people, key } = JSON.parse(process.env.PROVIDER);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [client],
  jwks: { keys: [key] },
  cookies: { keys: ['for tests'] },
  claims: {
    openid: ['sub'],
    profile: ['preferred_username', 'name'],
    email: ['email'],
    groups: ['groups'],
    // The session at the provider, which its log-out names.
    sid: null,
  },
  features: { devInteractions: { enabled: true }, backchannelLogout: { enabled: true } },
  // Everybody who exists gets in with any password.
  findAccount: (_, id) =>
    people[id] && {
      accountId: id,
      claims: () => ({ sub: id, preferred_username: people[id].name, groups: people[id].groups }),
    },
  // By default it calls no address of this machine.
  fetch: (url, { dispatcher: _, ...options }) => fetch(url, options),
  // As many providers do: groups and names are at the user info endpoint alone.
  conformIdTokenClaims: true,
});

provider.on('backchannel.error', (_, error) => console.error(error));
provider.listen(port, '127.0.0.1', () => console.log('listening'));
