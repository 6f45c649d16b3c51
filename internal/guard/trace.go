package guard

import "net/netip"

// Traces lists the keys of the counters that tries of these accounts, from these network addresses and devices, may have
// left and that name no user, so that they go with the person.
func Traces(accounts []string, ips []netip.Addr, devices []string) []string {
	var keys []string
	for _, account := range accounts {
		s := Subject{Account: account}
		for _, action := range []Action{VerifyRequest, ResetRequest, CloseLink, Withdrawal, OwnWithdrawal} {
			for _, l := range s.limits(action)[:3] { // the fourth counts a place, whoever is there
				keys = append(keys, l.tally.Key)
			}
		}
		for _, ip := range ips {
			s.IP = ip
			keys = append(keys, s.limits(Code)[0].tally.Key, s.limits(BlockLetter)[0].tally.Key, s.rate(place(ip)).tally.Key)
		}
		for _, device := range devices {
			keys = append(keys, s.rate(device).tally.Key)
		}
	}
	return keys
}

// AccountKeys are the forms in which accounts are kept with counters.
func AccountKeys(accounts []string) []string {
	keys := make([]string, len(accounts))
	for i, account := range accounts {
		keys[i] = accountKey(account)
	}
	return keys
}
