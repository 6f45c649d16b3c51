package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// fieldEnforce is the day from which people are asked.
const fieldEnforce = "enforce_at"

func (s *Server) showPublish(c echo.Context) error { return s.publishPage(c, nil) }

// publishPage says what publishing will do before it is done.
func (s *Server) publishPage(c echo.Context, refused valid.Errors) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	library, v, now, err := s.version(c)
	if err != nil {
		return err
	}
	asked, err := s.Terms.Asked(ctx, tenant.From(ctx).ID, v)
	if err != nil {
		return err
	}
	f := s.form(c, refused)
	effective := firstNonEmpty(form.Get(terms.FieldDate), now.Add(v.Materiality.Notice()).Format(time.DateOnly))
	view := pages.PublishPage{
		Page: s.titledAdmin(c, i18n.T(ctx, "adminterms.publish.title", "key", v.Document, "n", v.Number)), Token: f.token, Self: versionURL(v),
		Refusals: f.summary(), Missing: missingLocales(tenant.From(ctx), library, v),
		Effect: i18n.T(ctx, "adminterms.publish.nobody"), Limits: limits(ctx, v),
		Date: components.FieldModel{
			Name: terms.FieldDate, Label: i18n.T(ctx, "adminterms.publish.date"), Hint: i18n.T(ctx, "adminterms.publish.date.hint", "count", int(v.Materiality.Notice().Hours()/24)),
			Type: "date", LTR: true, Value: effective, Error: f.problem(terms.FieldDate),
		},
		Announce: components.FieldModel{
			Name: terms.FieldNotice, Label: i18n.T(ctx, "adminterms.publish.announce"), Hint: i18n.T(ctx, "adminterms.publish.announce.hint"), Type: "date",
			LTR: true, Optional: true, Value: form.Get(terms.FieldNotice), Error: f.problem(terms.FieldNotice),
		},
		Enforce: components.FieldModel{
			Name: fieldEnforce, Label: i18n.T(ctx, "adminterms.publish.enforce"), Hint: i18n.T(ctx, "adminterms.publish.enforce.hint"), Type: "date", LTR: true,
			Optional: true, Value: form.Get(fieldEnforce), Error: f.problem(fieldEnforce),
		},
		Reason: components.FieldModel{
			Name: terms.FieldReason, Label: i18n.T(ctx, "adminterms.publish.reason"), Optional: true, Value: form.Get(terms.FieldReason), Error: f.problem(terms.FieldReason),
		},
		Typed: components.FieldModel{
			Name: terms.FieldNumber, Label: i18n.T(ctx, "adminterms.publish.type", "n", v.Number), InputMode: "numeric", LTR: true,
			Value: form.Get(terms.FieldNumber), Error: f.problem(terms.FieldNumber),
		},
	}
	d, _ := library.Document(v.Document)
	if v.Materiality == terms.Material && d.Assent.Gates() {
		view.Effect = i18n.T(ctx, "adminterms.publish.asked", "count", asked)
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.Publish(view))
}

// missingLocales names the enabled languages that a version has no text in.
func missingLocales(t tenant.Tenant, library terms.Library, v terms.Version) []string {
	var names []string
	have := library.Locales(v.Document, v.Number)
	for _, tag := range t.Locales {
		if !slices.Contains(have, tag) {
			language, _ := i18n.Find(tag)
			names = append(names, language.Name)
		}
	}
	return names
}

func (s *Server) publishDraft(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	_, v, _, err := s.version(c)
	if err != nil {
		return err
	}
	plan, refused := publishPlan(form)
	if len(refused) > 0 {
		return s.publishPage(c, refused)
	}
	err = s.Terms.Publish(ctx, session.User(ctx), v.Document, v.Number, plan)
	if found, ok := errors.AsType[valid.Errors](err); ok {
		return s.publishPage(c, found)
	}
	if errors.Is(err, terms.ErrPublished) {
		return echo.NewHTTPError(http.StatusConflict)
	}
	if err != nil {
		return err
	}
	return s.done(c, "adminterms.published", "/admin/terms/"+v.Document)
}

// publishPlan reads the dates: only that of the effect must be there. People are told at once and asked from that day on,
// unless another day is given.
func publishPlan(form url.Values) (terms.Schedule, valid.Errors) {
	var refused valid.Errors
	day := func(field string) time.Time {
		typed := strings.TrimSpace(form.Get(field))
		day, err := time.Parse(time.DateOnly, typed)
		if err != nil && (typed != "" || field == terms.FieldDate) {
			refused.Add(field, "err.day")
		}
		return day
	}
	plan := terms.Schedule{
		AnnounceAt: day(terms.FieldNotice), EffectiveAt: day(terms.FieldDate), EnforceAt: day(fieldEnforce),
		Reason: form.Get(terms.FieldReason), Typed: form.Get(terms.FieldNumber),
	}
	if plan.EnforceAt.IsZero() {
		plan.EnforceAt = plan.EffectiveAt
	}
	return plan, refused
}
