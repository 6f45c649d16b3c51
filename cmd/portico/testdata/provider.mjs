// An identity provider as people run them: oidc-provider with its own pages, whose people have the name and the address
// that their login says. It is told by the environment where it is and who may ask it.
const { default: Provider } = await import(process.env.OIDC_MODULE)
const { port, clients } = JSON.parse(process.env.OIDC_SETTINGS)
const people = new Map()

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients,
  claims: { email: ['email', 'email_verified'], profile: ['name', 'nickname', 'given_name', 'family_name', 'picture', 'locale', 'shoe'] },
  conformIdTokenClaims: false,
  cookies: { keys: ['of no value outside of this test'] },
  features: {
    backchannelLogout: { enabled: true },
    devInteractions: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  // It speaks to nobody on its own machine unless told to; here everybody is.
  fetch: (address, { dispatcher, ...options }) => fetch(address, options),
  findAccount: (_, login) => ({
    accountId: login,
    claims: () => ({
      sub: login,
      email: login.includes('@') ? login : `${login}@id.example`,
      email_verified: true,
      name: `${login[0].toUpperCase()}${login.slice(1)} of Demo`,
      nickname: login,
      locale: 'en',
      shoe: { size: 39 },
      ...people.get(login),
    }),
  }),
})
// When whose login begins with "quiet" signs out, it says to us which session is over, and not whose it was.
const { backchannelLogout } = provider.Client.prototype
provider.Client.prototype.backchannelLogout = function (account, sid) {
  return backchannelLogout.call(this, account.startsWith('quiet') ? undefined : account, sid)
}
for (const trouble of ['backchannel.error', 'server_error']) {
  provider.on(trouble, (_, error) => console.error(trouble, error))
}
provider.on('backchannel.success', (_, client, account, sid) => console.log('told', client.clientId, account, sid))
provider.listen(port, '127.0.0.1')
