// An OpenID provider of other people's on 127.0.0.1: `provider.js PORT ORIGIN CLIENT_ID CLIENT_SECRET`.
//
// Whoever signs in chooses a name, which becomes the subject. Everybody claims the same, verified address: an address
// must never be what lets somebody in.
import { randomBytes } from 'node:crypto';
import Provider from 'oidc-provider';

const [port, origin, clientId, clientSecret] = process.argv.slice(2);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: [`${origin}/v1/auth/sso/callback`],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
  ],
  claims: { openid: ['sub'], email: ['email', 'email_verified'] },
  conformIdTokenClaims: false,
  cookies: { keys: [randomBytes(32).toString('hex')] },
  features: { devInteractions: { enabled: true } },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: 'ada@customer.example', email_verified: true }),
  }),
  pkce: { required: () => true },
});

provider.listen(Number(port), '127.0.0.1');
