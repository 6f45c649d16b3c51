package web

import (
	"archive/zip"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/audit"
	"portico/internal/i18n"
	"portico/internal/ledger"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// proofRoutes are what administrators see of what a person decided (rule T-6).
func (s *Server) proofRoutes() []route {
	return []route{
		{admins, http.MethodGet, "/admin/users/:id/consents", s.showPersonConsents, false},
		{adminsFresh, http.MethodPost, "/admin/users/:id/consents", s.recordAcceptance, false},
		{adminsFresh, http.MethodGet, "/admin/users/:id/consents/proofs", s.downloadProofs, false},
	}
}

func (s *Server) showPersonConsents(c echo.Context) error { return s.personConsentsPage(c, nil) }

func (s *Server) personConsentsPage(c echo.Context, refused valid.Errors) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	p, events, err := s.decided(c)
	if err != nil {
		return err
	}
	library, now, err := s.Terms.Library(ctx, p.User.Tenant)
	if err != nil {
		return err
	}
	f := s.form(c, refused)
	view := pages.PersonConsentsPage{
		PersonPage: s.personPage(c, p, "consents"), Refusals: f.summary(), Proofs: personURL(p.User.ID, "consents/proofs"),
		Reason:   components.FieldModel{Name: terms.FieldReason, Label: i18n.T(ctx, "proofs.reason"), Value: form.Get(terms.FieldReason), Error: f.problem(terms.FieldReason)},
		Evidence: components.FieldModel{Name: terms.FieldEvidence, Label: i18n.T(ctx, "proofs.evidence"), Hint: i18n.T(ctx, "proofs.evidence.hint"), Value: form.Get(terms.FieldEvidence), Rows: 3, Error: f.problem(terms.FieldEvidence)},
	}
	view.Token, view.Refused = f.token, len(refused) > 0
	for _, e := range events {
		text, _ := library.Text(e.Document, e.Number, e.LocaleShown)
		view.Rows = append(view.Rows, pages.PersonConsent{
			Document: firstNonEmpty(text.Title, e.Document, "–"), Number: e.Number, What: i18n.T(ctx, "assent."+e.Type), At: utc(e.OccurredAt),
			Locale: e.LocaleShown, Method: e.Method, Reason: e.Reason, Evidence: e.Evidence,
		})
	}
	view.Versions = components.SelectModel{
		Name: terms.FieldVersion, Label: i18n.T(ctx, "proofs.version"), Error: f.problem(terms.FieldVersion), Options: recordable(ctx, library, now, form.Get(terms.FieldVersion)),
	}
	return s.render(c, f.status(), pages.PersonConsents(view))
}

// recordable are the versions that somebody may have accepted outside: in force or announced, and not consented to.
func recordable(ctx context.Context, library terms.Library, now time.Time, chosen string) []components.Option {
	var options []components.Option
	for _, v := range library.Versions {
		d, _ := library.Document(v.Document)
		if current, _ := library.Current(v.Document, now); !d.Assent.Gates() || (v.Number != current.Number && !v.Announced(now)) {
			continue
		}
		text, _ := library.Text(v.Document, v.Number, i18n.Current(ctx).Tag)
		value := v.Document + "/" + strconv.Itoa(v.Number)
		options = append(options, components.Option{Value: value, Text: text.Title + " " + strconv.Itoa(v.Number), Selected: value == chosen})
	}
	return options
}

// decided is the person whom the address names and what they decided, the newest first.
func (s *Server) decided(c echo.Context) (profile.Profile, []terms.Event, error) {
	ctx := c.Request().Context()
	u, err := s.person(c)
	if err != nil {
		return profile.Profile{}, nil, err
	}
	p, err := s.Admin.Look(ctx, session.User(ctx), u)
	if err != nil {
		return p, nil, err
	}
	events, err := s.Terms.History(ctx, u)
	return p, events, err
}

// recordAcceptance is never about a consent: nobody consents for somebody else (case 22).
func (s *Server) recordAcceptance(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	u, err := s.person(c)
	if err != nil {
		return err
	}
	document, typed, _ := strings.Cut(form.Get(terms.FieldVersion), "/")
	number, _ := strconv.Atoi(typed)
	err = s.Terms.RecordFor(ctx, session.User(ctx), u, document, number, terms.Evidence{
		Reason: form.Get(terms.FieldReason), Evidence: form.Get(terms.FieldEvidence),
	})
	if errors.Is(err, terms.ErrNotFound) {
		err = valid.Errors{{Field: terms.FieldVersion, Key: "err.proofs.version"}}
	}
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.personConsentsPage(c, refused)
	}
	if err != nil {
		return err
	}
	return s.done(c, "proofs.recorded", personURL(u.ID, "consents"))
}

// downloadProofs is a file with everything that shows what a person agreed to: a receipt of each decision, or its promise
// while it waits for its place, the texts by their hashes, and the keys. No part of it needs us to be believed.
func (s *Server) downloadProofs(c echo.Context) error {
	ctx := c.Request().Context()
	p, events, err := s.decided(c)
	if err != nil {
		return err
	}
	files, err := s.proofs(ctx, p.User, events)
	if err != nil {
		return err
	}
	err = s.Audit.Record(ctx, audit.Event{Type: audit.ProofsExported, User: p.User, Actor: audit.Actor{Kind: audit.ByAdmin, ID: session.User(ctx).ID}})
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "application/zip")
	h.Set(echo.HeaderContentDisposition, `attachment; filename="proofs.zip"`)
	c.Response().WriteHeader(http.StatusOK)
	archive := zip.NewWriter(c.Response())
	for _, name := range sortedKeys(files) {
		w, err := archive.Create(name)
		if err == nil {
			_, err = w.Write([]byte(files[name]))
		}
		if err != nil {
			return err
		}
	}
	return archive.Close()
}

func (s *Server) proofs(ctx context.Context, u tenant.User, events []terms.Event) (map[string]string, error) {
	files := map[string]string{}
	library, _, err := s.Terms.Library(ctx, u.Tenant)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		name, read := "receipts/"+e.ID+".tlog-proof", s.Ledger.Receipt
		if !e.Placed {
			name, read = "receipts/"+e.ID+".promise", s.promise
		}
		if files[name], err = read(ctx, u, e.ID); err != nil {
			return nil, err
		}
		for _, text := range library.Texts {
			if text.SourceSHA256 == e.SourceSHA256 {
				files["texts/"+e.SourceSHA256+".md"] = text.Source
			}
		}
	}
	keys, statements, err := s.Ledger.Keys(ctx, u.Tenant)
	if err != nil && !errors.Is(err, ledger.ErrNone) {
		return nil, err
	}
	files["keys.txt"] = strings.Join(append(append(keys, ""), statements...), "\n")
	return files, nil
}
