// Package idp lets people in whose identity another provider vouches for, and reads what it says of them into the
// Normalized User Profile.
//
// # The model
//
// A tenant has any number of connections, each to one provider and one registration there. A person who comes by a
// connection is an identity: the pair of the connection, whose issuer never changes, and the subject that the provider
// knows them by (OpenID Connect Core 1.0, section 5.7; ASVS 10.5.1). Every identity belongs to exactly one profile, and a
// profile has one identity it came from, the main one, and any number that were linked to it later. An address is never
// an identity: two profiles may have the same one, and nothing is joined because of it.
//
// The conventions (names of attributes, ids such as "google-oauth2|123", identities[] with profileData) are Auth0's, as its
// documentation describes them in "Normalized User Profiles", "User Profile Structure", "Configure Connection Sync" and
// "User Account Linking", so that people and data from there carry over.
//
// # What is normalised
//
// A Mapping says, as data, which claims fill which attributes. DefaultMapping is that of the standard claims (Core 1.0,
// section 5.1):
//
//	user_id         sub, exactly as written, 1 to 255 characters of printable ASCII (Core 1.0, section 2)
//	name            name; else given and family name; else the nickname; else the address
//	given_name      given_name, first_name
//	family_name     family_name, surname, last_name, sn
//	nickname        nickname; else what stands before the @ of the address
//	picture         picture, when it is https; kept as an address, which nobody here loads
//	email           email, as received
//	email_verified  email_verified, when it is the boolean true of that very address and the connection is trusted;
//	                whatever is missing is false (ASVS 10.5.2). Apple documents the text "true" and may send it.
//	phone_number    phone_number, when it is of E.164's form; phone_verified as email_verified
//	locale          locale; a hint for the language of letters, after everything the person chose
//
// Every claim, mapped or not and however nested, is kept with the identity as profileData, within the limits of metadata:
// 16 KiB in all, 2 KiB a text, five levels, small claims first. What is over a limit is left out as a whole and named, never
// cut. Never kept are the words of the protocol, tokens, and what the connection denies (GDPR article 5(1)(c), minimisation).
// What is known of Google, Microsoft, Apple and GitHub stands at Presets, with the source of each peculiarity.
//
// # What is owned by whom
//
// At the first arrival the profile is made from the identity. From then on:
//
//	the provider    name, given_name, family_name, nickname, picture: those it gave, of the main identity alone, while the
//	                connection says on_each_login. They follow at each sign-in and are read-only here, with its name beside
//	                them. With on_first_login they were copied once and are the person's ("Configure Connection Sync").
//	                What it no longer gives stays as it is. profileData follows at each sign-in in either mode.
//	the person      every other attribute, user_metadata, languages, time zone.
//	the tenant      app_metadata, block, role.
//	nobody          acceptances and consents, which are records; created_at; user_id.
//
// The address is in between. It follows the main identity when the provider has verified the new one, nobody else has it,
// and the person did not choose another here; both addresses are told. Otherwise it stays, and the person is told once.
// "Verified" never moves on to another address, and what was verified here is not taken back by silence there.
//
// # Linking
//
// Linking makes two ways in lead to one profile ("User Account Linking"). Both sides are proven by the same person within
// ten minutes of it, both addresses are verified, neither side is blocked or about to be closed; the person sees both and
// what will be lost before anything is done. The primary keeps its id, attributes and metadata, and may take along
// user_metadata that it lacks; the secondary's identities move over with their profileData, its sessions and tickets end,
// its profile is gone, and what it accepted stays on record. A password reset under way ends on both sides. A shared verified address is a reason to suggest linking and
// never to do it. Unlinking makes the identity a profile of its own again, new, without metadata, with nothing accepted;
// the main identity and the last way in cannot be taken off.
//
// # What is proven, and how
//
// A trip to a provider is a Flow: state, nonce and PKCE verifier of 256 bits, good for ten minutes and one answer, bound to
// one browser, one connection, one purpose and one person (RFC 9700, sections 2.1 and 4; RFC 7636; Core 1.0, section
// 3.1.2.1). Each connection has a callback of its own, and an answer that names another issuer is refused (RFC 9207), so
// that no provider's answer counts as another's. Of the id token, signature, issuer, audience, authorized party, times with
// a minute's skew, nonce and hash of the access token are checked (Core 1.0, section 3.1.3.7); user info must be about the
// same subject (section 5.3.2). Where a fresh proof is needed the provider is asked for one, and auth_time decides (ASVS
// 6.8.4); of one that never says it, the trip there and back does where its connection has round_trip. Tokens of providers are used at once and never kept.
//
// # Signing out
//
// Where a connection says so, who signs out here is led to the provider to sign out there too (RP-Initiated Logout 1.0); nobody
// waits for a provider that does not answer. A provider may tell us that somebody signed out there (Back-Channel Logout 1.0,
// section 2.6): the sessions end that were opened in the session it names, or else those that the person opened by it. Such a
// notice is proven as an id token is, at most five minutes old, and counts once.
//
// # What goes wrong
//
// A provider that is down, slow or talks rubbish costs seconds, and leaves neither session nor flow behind. Every request is
// bounded in time and size, follows no redirect, and reaches no address of this machine or its cloud's own services.
package idp
