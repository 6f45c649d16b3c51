package mail

import (
	"context"
	"slices"
	"strings"

	"portico/internal/tenant"
)

// notices are the letters that warn of what was done to an account. They go to every address that it had within a week too,
// in case it was the address that somebody took away first (security.md row 66, NIST SP 800-63B §4.6).
var notices = []Kind{
	PasswordChanged, EmailChanged, EmailChangedByAdmin, EmailFollowed, PhoneChanged, NewSignIn, SessionLimit,
	AccountLinked, AccountUnlinked, AccountBlocked, AccountUnblocked, ProfileChangedByAdmin,
	AdministratorAdded, AdministratorGone, PasswordChangeAsked,
}

// copies are l for the addresses before: without a code, and without the link that a code belongs to.
func (o *Outbox) copies(ctx context.Context, l Letter) ([]Letter, error) {
	if l.User == "" || !slices.Contains(notices, l.Kind) {
		return nil, nil
	}
	before, err := o.queue.PreviousAddresses(ctx, tenant.User{Tenant: l.Tenant, ID: l.User}, o.now())
	var copies []Letter
	for _, address := range before {
		if strings.EqualFold(address, l.To) {
			continue
		}
		one := l
		one.To = address
		if one.Facts.Code != "" {
			one.Facts.Code, one.Facts.Link, one.Facts.SecondLink = "", "", ""
		}
		copies = append(copies, one)
	}
	return copies, err
}
