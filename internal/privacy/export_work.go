package privacy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"portico/internal/audit"
	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
)

// How files are made. A claim is prolonged with every part and every page of rows, which takes seconds at most.
const (
	exportIdle  = 5 * time.Second // until the next look, unless somebody asks for a file in this very process
	exportClaim = 2 * time.Minute
	exportRetry = 30 * time.Second
	exportTime  = 20 * time.Minute // more than the largest account takes
	exportTries = 5
)

// Wake tells the service that a file was asked for. It never waits.
func (s *Exports) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run makes files, one at a time, until ctx ends. One that is under way then is given back at once.
func (s *Exports) Run(ctx context.Context) {
	for ctx.Err() == nil {
		worked, err := s.Work(ctx)
		if err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "a file of somebody's data", "error", err)
		}
		if worked {
			continue
		}
		timer := time.NewTimer(exportIdle)
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// Work makes one file and reports whether there was one to make. What goes wrong with a file is its own matter: it is tried
// again, and given up in the end.
func (s *Exports) Work(ctx context.Context) (bool, error) {
	e, err := s.Store.ClaimExport(ctx, s.Only, uuid.NewString(), exportClaim)
	if errors.Is(err, ErrNoExport) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	making := s.make(ctx, &e)
	ctx = context.WithoutCancel(ctx)
	switch {
	case making == nil, errors.Is(making, ErrExportLost):
		return true, nil
	case e.Attempts < exportTries:
		e.State = ExportWaiting
		err = s.Store.EndExport(ctx, e, s.patience(making))
	default:
		err = s.giveUp(ctx, e)
	}
	if errors.Is(err, ErrExportLost) {
		err = nil
	}
	return true, errors.Join(fmt.Errorf("file %s, try %d: %w", e.ID, e.Attempts, making), err)
}

// patience is how long to wait before the next try: not at all when it was only the process that ended.
func (s *Exports) patience(err error) time.Duration {
	if errors.Is(err, context.Canceled) {
		return 0
	}
	return exportRetry
}

// make writes the file, and tells its owner. A panic in it is an error like any other: it must not stop the portal.
func (s *Exports) make(ctx context.Context, e *Export) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, exportTime)
	defer cancel()
	t, err := s.Tenants(ctx, e.User.Tenant)
	if err != nil {
		return err
	}
	ctx = tenant.With(ctx, t)
	p, err := s.Store.FindProfile(ctx, e.User)
	if err != nil {
		return err
	}
	zone, _ := profile.Zone(p.UserMetadata.Text(profile.FieldZone))
	if err := s.compose(i18n.With(ctx, e.Language, zone), t, p, e); err != nil {
		return err
	}
	e.State, e.ReadyAt = ExportReady, s.Now()
	e.ExpiresAt = e.ReadyAt.Add(ExportLifetime)
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.EndExport(ctx, *e, 0); err != nil {
			return err
		}
		if err := s.tell(ctx, t, *e, mail.ExportReady); err != nil {
			return err
		}
		return s.Audit.Record(ctx, audit.Event{Type: audit.ExportReady, User: e.User, Fields: []string{string(e.Layer)}})
	})
}

// giveUp ends a file that cannot be made, and tells its owner to ask again.
func (s *Exports) giveUp(ctx context.Context, e Export) error {
	t, err := s.Tenants(ctx, e.User.Tenant)
	if err != nil {
		return err
	}
	e.State = ExportFailed
	return s.Store.InTx(tenant.With(ctx, t), func(ctx context.Context) error {
		if err := s.Store.EndExport(ctx, e, 0); err != nil {
			return err
		}
		if err := s.Store.DropChunks(ctx, e); err != nil {
			return err
		}
		if err := s.tell(ctx, t, e, mail.ExportFailed); err != nil {
			return err
		}
		return s.Audit.Record(ctx, audit.Event{Type: audit.ExportFailed, User: e.User, Fields: []string{string(e.Layer)}})
	})
}

// tell sends the letter about a file to its owner and, when it was made, also to the address they had until lately: neither
// carries anything that opens the file (security.md row 66).
func (s *Exports) tell(ctx context.Context, t tenant.Tenant, e Export, kind mail.Kind) error {
	p, err := s.Store.FindProfile(ctx, e.User)
	if err != nil {
		return err
	}
	language, _ := profile.LetterLanguage(t, p, e.Language)
	l := mail.Letter{Tenant: t.ID, User: e.User.ID, To: p.Email, Kind: kind, Language: language, Facts: mail.Facts{
		Name: p.Nickname, Time: e.AskedAt, IP: e.IP, Browser: e.UserAgent, Until: e.ExpiresAt, Link: t.URL("/account/data"),
		SecondLink: t.URL("/password/forgot"),
	}}
	if err := s.Outbox.Send(ctx, l); err != nil || kind != mail.ExportReady {
		return err
	}
	before, err := s.Store.PreviousAddresses(ctx, e.User, s.Now())
	l.Kind, l.Facts.Link, l.Facts.SecondLink = mail.ExportMade, l.Facts.SecondLink, ""
	for _, address := range before {
		if l.To = address; err == nil && profile.EmailKey(address) != profile.EmailKey(p.Email) {
			err = s.Outbox.Send(ctx, l)
		}
	}
	return err
}
