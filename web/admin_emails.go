package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/emails"
	"portico/views/pages"
)

const emailsPath = "/admin/emails"

// emailRoutes are the pages about letters.
func (s *Server) emailRoutes() []route {
	get := func(path string, h echo.HandlerFunc) route { return route{admins, http.MethodGet, path, h, false} }
	return []route{
		get(emailsPath, s.showEmailKinds),
		get(emailsPath+"/:kind/preview", s.previewEmail),
		{adminsFresh, http.MethodPost, emailsPath + "/:kind/preview", s.sendExample, false},
		get(emailsPath+"/:kind/preview/html", s.previewEmailHTML),
		get(emailsPath+"/outbox", s.showOutbox),
		{admins, http.MethodPost, emailsPath + "/outbox", s.retryLetter, false},
	}
}

// sampled is an example of a letter, as it would reach the administrator who asks.
func (s *Server) sampled(c echo.Context, kind mail.Kind, lang string) mail.Letter {
	ctx := c.Request().Context()
	live, facts := session.From(ctx), emails.Sample(kind)
	if facts.Name != "" && live.Person.Nickname != "" {
		facts.Name = live.Person.Nickname
	}
	return mail.Letter{User: live.User.ID, To: live.Person.Email, Kind: kind, Language: lang, Facts: facts}
}

func (s *Server) showEmailKinds(c echo.Context) error {
	ctx := c.Request().Context()
	v := pages.EmailKindsPage{Page: s.adminPage(c, "emails.title")}
	for _, kind := range emails.Kinds() {
		subject, _, _, err := emails.Render(ctx, LetterFrom(tenant.From(ctx)), s.sampled(c, kind, i18n.Current(ctx).Tag))
		if err != nil {
			return err
		}
		v.Kinds = append(v.Kinds, pages.EmailKind{Kind: string(kind), Subject: subject, URL: emailsPath + "/" + string(kind) + "/preview"})
	}
	return s.render(c, http.StatusOK, pages.EmailKinds(v))
}

// previewed reads which letter is to be seen, and in which language.
func (s *Server) previewed(c echo.Context) (mail.Letter, error) {
	ctx := c.Request().Context()
	kind := mail.Kind(c.Param("kind"))
	if !slices.Contains(emails.Kinds(), kind) {
		return mail.Letter{}, echo.ErrNotFound
	}
	wanted := c.QueryParam("lang")
	if c.Request().Method == http.MethodPost {
		wanted = c.Request().PostFormValue("lang")
	}
	lang, ok := i18n.MatchTag(tenant.From(ctx).Locales, wanted)
	if !ok {
		lang = i18n.Current(ctx).Tag
	}
	return s.sampled(c, kind, lang), nil
}

func (s *Server) previewEmail(c echo.Context) error {
	l, err := s.previewed(c)
	if err != nil {
		return err
	}
	return s.previewPage(c, l, nil)
}

// previewPage shows how a letter looks, and offers to send it to who looks at it.
func (s *Server) previewPage(c echo.Context, l mail.Letter, refused valid.Errors) error {
	ctx := c.Request().Context()
	t, f := tenant.From(ctx), s.form(c, refused)
	subject, text, _, err := emails.Render(ctx, LetterFrom(t), l)
	if err != nil {
		return err
	}
	v := pages.EmailPreviewPage{
		Page: s.adminPage(c, "emails.title"), Kind: string(l.Kind), Subject: subject, Lang: l.Language, Dir: dirOf(l.Language), Text: linked(text),
		HTML: emailsPath + "/" + string(l.Kind) + "/preview/html?lang=" + l.Language, Token: f.token, Refusals: f.summary(),
		Self: emailsPath + "/" + string(l.Kind) + "/preview", To: l.To,
	}
	v.Refused = len(refused) > 0
	v.Title = subject
	for _, tag := range t.Locales {
		language, _ := i18n.Find(tag)
		v.Languages.Options = append(v.Languages.Options, components.Option{Value: tag, Text: language.Name, Lang: tag, Selected: tag == l.Language})
	}
	v.Languages.Name, v.Languages.Label = "lang", i18n.T(ctx, "language.title")
	return s.render(c, f.status(), pages.EmailPreview(v))
}

// sendExample mails the administrator who asks how the letter arrives.
func (s *Server) sendExample(c echo.Context) error {
	ctx := c.Request().Context()
	l, err := s.previewed(c)
	if err != nil {
		return err
	}
	err = s.Admin.SendExample(ctx, session.User(ctx), l.Kind, l.Language)
	if many, ok := errors.AsType[*guard.TooMany](err); ok {
		retryAfter(c, many.After)
		return s.previewPage(c, l, valid.Errors{{Key: "emails.test.wait", Args: []any{"time", i18n.Duration(ctx, many.After)}}})
	}
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.previewPage(c, l, refused)
	}
	if err != nil {
		return err
	}
	return s.done(c, "emails.test.done", emailsPath+"/"+string(l.Kind)+"/preview?"+url.Values{"lang": {l.Language}}.Encode())
}

func (s *Server) previewEmailHTML(c echo.Context) error {
	l, err := s.previewed(c)
	if err != nil {
		return err
	}
	return s.sampleLetter(c, l)
}

// letterStates are what the list of letters can be narrowed to, in the order of a letter's life.
var letterStates = []mail.State{mail.Waiting, mail.Sending, mail.Sent, mail.Failed}

func (s *Server) showOutbox(c echo.Context) error {
	ctx := c.Request().Context()
	state := mail.State(c.QueryParam("state"))
	if state != "" && !slices.Contains(letterStates, state) {
		return echo.ErrNotFound
	}
	entries, err := s.Letters.Search(ctx, tenant.From(ctx).ID, state, c.QueryParam("after"), listRows+1)
	if err != nil {
		return err
	}
	v := pages.OutboxPage{Page: s.adminPage(c, "outbox.title"), Token: s.formToken(c), State: string(state)}
	v.States = components.SelectModel{Name: "state", Label: i18n.T(ctx, "outbox.state"), Options: []components.Option{{Text: i18n.T(ctx, "outbox.all")}}}
	for _, one := range letterStates {
		v.States.Options = append(v.States.Options, components.Option{Value: string(one), Text: i18n.T(ctx, "outbox.state."+string(one)), Selected: one == state})
	}
	if len(entries) > listRows {
		entries = entries[:listRows]
		v.Pager.Older = emailsPath + "/outbox?" + url.Values{"state": {string(state)}, "after": {entries[listRows-1].ID}}.Encode()
	}
	for _, e := range entries {
		v.Rows = append(v.Rows, outboxRow(ctx, e))
	}
	return s.render(c, http.StatusOK, pages.Outbox(v))
}

func outboxRow(ctx context.Context, e mail.Entry) pages.OutboxRow {
	row := pages.OutboxRow{
		ID: e.ID, To: e.To, Kind: string(e.Kind), Lang: e.Language, Queued: i18n.DateTime(ctx, e.QueuedAt),
		State: i18n.T(ctx, "outbox.state."+string(e.State)), Attempts: strconv.Itoa(e.Attempts), Error: e.Error,
	}
	switch e.State {
	case mail.Sent:
		row.Tone, row.When = components.OK, i18n.T(ctx, "outbox.sent", "time", i18n.DateTime(ctx, e.SentAt))
	case mail.Failed:
		row.Tone, row.Retry = components.Danger, true
	case mail.Waiting:
		row.Tone = components.Info
		if e.Attempts > 0 {
			row.Tone, row.When = components.Warn, i18n.T(ctx, "outbox.next", "time", i18n.DateTime(ctx, e.NextAt))
		}
	default:
		row.Tone = components.Info
	}
	return row
}

func (s *Server) retryLetter(c echo.Context) error {
	ctx := c.Request().Context()
	state := c.Request().PostFormValue("state")
	err := s.Letters.Retry(ctx, tenant.From(ctx).ID, c.Request().PostFormValue("letter"), func(ctx context.Context, e mail.Entry) error {
		return s.Audit.Record(ctx, audit.Event{
			Type: audit.AdminWrote, User: e.User, Actor: audit.Actor{Kind: audit.ByAdmin, ID: session.User(ctx).ID},
			Detail: map[string]string{"action": "letter_retried", "kind": string(e.Kind)},
		})
	})
	if errors.Is(err, mail.ErrNoLetter) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	return s.done(c, "outbox.retried", emailsPath+"/outbox?"+url.Values{"state": {state}}.Encode())
}
