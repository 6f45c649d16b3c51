package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
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

func (s *Server) showPublish(c echo.Context) error { return s.publishPage(c, nil, "") }

// publishPage says what publishing will do before it is done, or what a second person decides about.
func (s *Server) publishPage(c echo.Context, refused valid.Errors, note string) error {
	ctx := c.Request().Context()
	library, v, now, err := s.version(c)
	if err != nil {
		return err
	}
	if v.Published() {
		return c.Redirect(http.StatusSeeOther, versionURL(v))
	}
	if posted := c.Request().PostForm; posted.Has(terms.FieldDate) {
		v.Exempt = posted.Has(terms.FieldExempt)
	}
	f := s.form(c, refused)
	view := pages.PublishPage{
		Page:  s.titledAdmin(c, i18n.T(ctx, "adminterms.publish.title", "key", v.Document, "n", v.Number)),
		Token: f.token, Self: versionURL(v), Note: note, Gaps: gaps(ctx, library, v), Dates: dateFields(c, f, library, v, now), Reason: f.lateReason(c),
		Typed: components.FieldModel{
			Name: terms.FieldNumber, Label: i18n.T(ctx, "adminterms.publish.type", "n", v.Number), InputMode: "numeric", LTR: true,
			Value: c.Request().PostForm.Get(terms.FieldNumber), Error: f.problem(terms.FieldNumber),
		},
	}
	if view.Reach, err = s.reachView(ctx, library, v); err != nil {
		return err
	}
	if err := s.approvalView(c, f, &view, v); err != nil {
		return err
	}
	for _, p := range refused { // what is missing in a text is listed with where to write it
		if withoutLocale(p.Field) == p.Field {
			view.Refusals = append(view.Refusals, components.Refusal{Field: p.Field, Text: i18n.T(ctx, p.Key, p.Args...)})
		}
	}
	view.Refused = len(refused) > 0
	status := f.status()
	if note != "" {
		status = http.StatusConflict
	}
	return s.render(c, status, pages.Publish(view))
}

// dateFields are the days of a plan, by UTC: announced, in force, asked.
func dateFields(c echo.Context, f form, library terms.Library, v terms.Version, now time.Time) []components.FieldModel {
	ctx, form := f.ctx, c.Request().PostForm
	d, _ := library.Document(v.Document)
	days := int(d.Notice(v.Materiality).Hours() / 24)
	field := func(name, label, value string, optional bool, args ...any) components.FieldModel {
		if form.Has(name) {
			value = form.Get(name)
		}
		m := components.FieldModel{
			Name: name, Label: i18n.T(ctx, label), Hint: i18n.T(ctx, label+".hint", args...), Type: "date", LTR: true, Optional: optional,
			Value: value, Error: f.problem(name),
		}
		if m.Error != "" {
			m.Type = "" // a browser's control would lose what is no day
		}
		return m
	}
	return []components.FieldModel{
		field(terms.FieldNotice, "adminterms.publish.announce", dayOf(v.AnnounceAt), true),
		field(terms.FieldDate, "adminterms.publish.date", firstNonEmpty(dayOf(v.EffectiveAt), dayOf(now.AddDate(0, 0, days+1))), false, "count", days),
		field(terms.FieldEnforce, "adminterms.publish.enforce", dayOf(v.EnforceAt), true),
	}
}

func dayOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// lateReason is why people are told later than usual, reason why something is taken back.
func (f form) lateReason(c echo.Context) components.FieldModel {
	m := f.reason(c)
	m.Label, m.Optional = i18n.T(f.ctx, "adminterms.publish.reason"), true
	return m
}

func (f form) reason(c echo.Context) components.FieldModel {
	return components.FieldModel{
		Name: terms.FieldReason, Label: i18n.T(f.ctx, "adminterms.withdraw.reason"), Value: c.Request().PostForm.Get(terms.FieldReason),
		Error: f.problem(terms.FieldReason),
	}
}

// reachView is the simulation of what publishing would do.
func (s *Server) reachView(ctx context.Context, library terms.Library, v terms.Version) (pages.PublishReach, error) {
	t := tenant.From(ctx)
	reach, err := s.Terms.Simulate(ctx, t, v)
	view := pages.PublishReach{
		Effect: i18n.T(ctx, "adminterms.publish.nobody"), Limits: limits(ctx, v), Missing: strings.Join(missingLocales(t, library, v), ", "),
	}
	if d, _ := library.Document(v.Document); v.Materiality != terms.Material || !d.Gates() {
		return view, err
	}
	view.Effect = i18n.T(ctx, "adminterms.publish.asked", "count", int(reach.Asked))
	view.Asked, view.Untranslated = reach.Asked > 0 || reach.Waiting > 0, number(reach.Untranslated)
	if v.Exempt {
		view.Waiting = number(reach.Waiting)
	}
	view.Exempt = &components.CheckModel{
		Name: terms.FieldExempt, Label: i18n.T(ctx, "adminterms.exempt"), Hint: i18n.T(ctx, "adminterms.exempt.hint", "n", number(reach.Waiting)), Checked: v.Exempt,
	}
	view.Letters = i18n.T(ctx, "adminterms.reach.time", "time", i18n.Duration(ctx, reach.Letters), "rate", t.LetterRate())
	for _, share := range reach.Languages {
		language, _ := i18n.Find(share.Value)
		shown, _ := i18n.Find(share.Shown)
		view.Languages = append(view.Languages, pages.ReachRow{
			Label: language.Name, People: number(share.People), Text: shown.Name, Lacks: share.Shown != share.Value,
		})
	}
	view.Countries = countries(ctx, reach.Countries)
	return view, err
}

// number writes a count so that millions can be read.
func number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	return digits
}

// mostCountries is how many countries have a line of their own.
const mostCountries = 20

func countries(ctx context.Context, all []terms.Share) []pages.ReachRow {
	var rows []pages.ReachRow
	var others int64
	for i, share := range all {
		switch {
		case share.Value == "":
			rows = append(rows, pages.ReachRow{Label: i18n.T(ctx, "adminterms.reach.unknown"), People: number(share.People)})
		case i >= mostCountries:
			others += share.People
		default:
			rows = append(rows, pages.ReachRow{Label: share.Value, People: number(share.People)})
		}
	}
	if others > 0 {
		rows = append(rows, pages.ReachRow{Label: i18n.T(ctx, "adminterms.reach.others"), People: number(others)})
	}
	return rows
}

func (s *Server) publishDraft(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	_, v, _, err := s.version(c)
	if err != nil {
		return err
	}
	plan, refused := publishPlan(form)
	if len(refused) > 0 {
		return s.publishPage(c, refused, "")
	}
	done := "adminterms.published"
	err = s.Terms.Publish(ctx, session.User(ctx), v.Document, v.Number, plan)
	if errors.Is(err, terms.ErrApproval) {
		done = "adminterms.submitted"
		err = s.Terms.Submit(ctx, session.User(ctx), v.Document, v.Number, plan)
	}
	if found, ok := errors.AsType[valid.Errors](err); ok {
		return s.publishPage(c, found, "")
	}
	if terms.Undone(err) {
		return s.publishPage(c, nil, i18n.T(ctx, "adminterms.undone"))
	}
	if err != nil {
		return err
	}
	return s.done(c, done, "/admin/terms/"+v.Document)
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
		AnnounceAt: day(terms.FieldNotice), EffectiveAt: day(terms.FieldDate), EnforceAt: day(terms.FieldEnforce),
		Reason: form.Get(terms.FieldReason), Typed: strings.TrimSpace(form.Get(terms.FieldNumber)), Exempt: form.Has(terms.FieldExempt),
	}
	if plan.EnforceAt.IsZero() {
		plan.EnforceAt = plan.EffectiveAt
	} else if plan.EnforceAt.Before(plan.EffectiveAt) {
		refused.Add(terms.FieldEnforce, "err.terms.enforce")
	}
	return plan, refused
}
