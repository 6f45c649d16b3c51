package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/privacy"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

const withdrawPath = "/withdraw"

// withdrawalRoutes are the withdrawal function of Directive 2011/83/EU, article 11a: open to everybody, signed in or not,
// whatever else they owe. They exist where the tenant has switched them on.
func (s *Server) withdrawalRoutes() []route {
	one := func(method, path string, h echo.HandlerFunc) route {
		return route{anyone, method, path, offered(h), false}
	}
	return []route{
		one(http.MethodGet, withdrawPath, s.showWithdraw), one(http.MethodPost, withdrawPath, s.checkWithdrawal),
		one(http.MethodPost, withdrawPath+"/confirm", s.withdraw), one(http.MethodGet, withdrawPath+"/received", s.showWithdrawn),
	}
}

// offered is a page of the withdrawal function, which few tenants need.
func offered(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !tenant.From(c.Request().Context()).Withdrawal {
			return echo.ErrNotFound
		}
		return next(c)
	}
}

// statementOf is what a form of the withdrawal function says.
func statementOf(form url.Values) privacy.Statement {
	return privacy.Statement{
		Name: form.Get(privacy.FieldName), Contract: form.Get(privacy.FieldContract), Contact: form.Get(privacy.FieldContact),
		Form: form.Get(fieldNonce),
	}.Tidy()
}

// showWithdraw asks, and does not ask for what the account of who is signed in says already.
func (s *Server) showWithdraw(c echo.Context) error {
	person := session.From(c.Request().Context()).Person
	return s.withdrawPage(c, privacy.Statement{Name: person.Name, Contact: person.Email}, nil)
}

func (s *Server) withdrawPage(c echo.Context, w privacy.Statement, refused valid.Errors) error {
	ctx := c.Request().Context()
	f := s.form(c, refused)
	if w.Form == "" || len(w.Form) > privacy.MaxForm {
		w.Form = uuid.NewString()
	}
	view := pages.WithdrawPage{
		Page: s.page(c, "withdraw.title"), Token: f.token, Refusals: f.summary(), Nonce: w.Form,
		Name: components.FieldModel{
			Name: privacy.FieldName, Label: i18n.T(ctx, "profile.name"), Value: w.Name, Autocomplete: "name", Error: f.problem(privacy.FieldName),
		},
		Contract: components.FieldModel{
			Name: privacy.FieldContract, Label: i18n.T(ctx, "withdraw.contract"), Hint: i18n.T(ctx, "withdraw.contract.hint"), Value: w.Contract,
			Rows: 3, Error: f.problem(privacy.FieldContract),
		},
		Email: components.FieldModel{
			Name: privacy.FieldContact, Label: i18n.T(ctx, "withdraw.email"), Type: "email", LTR: true, Value: w.Contact, Autocomplete: "email",
			Error: f.problem(privacy.FieldContact),
		},
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.Withdraw(view))
}

// checkWithdrawal shows what was typed before anything is sent, or the form again to change it.
func (s *Server) checkWithdrawal(c echo.Context) error {
	form := c.Request().PostForm
	w := statementOf(form)
	if refused := w.Check(); len(refused) > 0 || form.Has("change") {
		if form.Has("change") {
			refused = nil
		}
		return s.withdrawPage(c, w, refused)
	}
	return s.confirmPage(c, w, nil)
}

func (s *Server) confirmPage(c echo.Context, w privacy.Statement, refused valid.Errors) error {
	f := s.form(c, refused)
	view := pages.ConfirmWithdrawalPage{
		Page: s.page(c, "withdraw.check.title"), Token: f.token, Refusals: f.summary(), Rows: statementRows(f.ctx, w),
		Fields: []pages.HiddenField{
			{Name: privacy.FieldName, Value: w.Name},
			{Name: privacy.FieldContract, Value: w.Contract},
			{Name: privacy.FieldContact, Value: w.Contact},
			{Name: fieldNonce, Value: w.Form},
		},
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.ConfirmWithdrawal(view))
}

func statementRows(ctx context.Context, w privacy.Statement) []pages.Row {
	return []pages.Row{
		{Label: i18n.T(ctx, "cases.contract"), Value: w.Contract},
		{Label: i18n.T(ctx, "profile.name"), Value: w.Name},
		{Label: i18n.T(ctx, "withdraw.email"), Value: w.Contact, LTR: true},
	}
}

// withdrawn is a withdrawal as the session remembers it for the page that acknowledges it.
type withdrawn struct {
	Statement privacy.Statement `json:"statement"`
	At        time.Time         `json:"at"`
	DueAt     time.Time         `json:"due_at"`
	Until     time.Time         `json:"until"`
}

// contentWithdrawn is the key under which a session remembers a withdrawal, for withdrawnFor.
const (
	contentWithdrawn = "withdrawn"
	withdrawnFor     = 15 * time.Minute
)

// withdraw takes the withdrawal in. Whoever sends too many at once is told when to go on, and loses nothing: that answer is
// the same for every address.
func (s *Server) withdraw(c echo.Context) error {
	ctx := c.Request().Context()
	w := statementOf(c.Request().PostForm)
	taken, err := s.Privacy.Withdraw(ctx, session.User(ctx), w)
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.withdrawPage(c, w, refused)
	}
	if many, ok := errors.AsType[*guard.TooMany](err); ok {
		retryAfter(c, many.After)
		return s.confirmPage(c, w, valid.Errors{{Key: "withdraw.wait", Args: []any{"time", i18n.Duration(ctx, many.After)}}})
	}
	if err != nil {
		return err
	}
	content, err := json.Marshal(withdrawn{w, taken.At, taken.DueAt, s.Now().Add(withdrawnFor)})
	if err != nil {
		return err
	}
	if err := s.remember(c, contentWithdrawn, string(content)); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, withdrawPath+"/received")
}

func (s *Server) showWithdrawn(c echo.Context) error {
	ctx := c.Request().Context()
	var w withdrawn
	kept := session.From(ctx).Content[contentWithdrawn]
	if json.Unmarshal([]byte(kept), &w) != nil || s.Now().After(w.Until) {
		return c.Redirect(http.StatusSeeOther, withdrawPath)
	}
	return s.render(c, http.StatusOK, pages.Withdrawn(pages.WithdrawnPage{
		Page: s.page(c, "withdraw.done.title"), Rows: statementRows(ctx, w.Statement), Due: i18n.T(ctx, "data.waits", "date", i18n.Date(ctx, w.DueAt)),
		Body: i18n.T(ctx, "withdraw.done.body", "product", tenant.From(ctx).Product, "time", i18n.Moment(ctx, w.At)),
	}))
}

// refillWithdrawal shows a statement again that was typed into a form that was open for too long.
func (s *Server) refillWithdrawal(c echo.Context, typed url.Values) error {
	return offered(func(c echo.Context) error { return s.withdrawPage(c, statementOf(typed), nil) })(c)
}
