package web

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/privacy"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// rightsRoutes are the pages of privacy rights: open whatever else is owed, and what is asked for by somebody who has just
// proven who they are.
func (s *Server) rightsRoutes() []route {
	get := func(path string, h echo.HandlerFunc) route { return route{exempt, http.MethodGet, path, h, false} }
	post := func(g gate, path string, h echo.HandlerFunc) route { return route{g, http.MethodPost, path, h, false} }
	return []route{
		get(dataPath, s.showData), post(exempt, dataPath+"/waive", s.waive),
		get(dataPath+"/correct", s.showRectify), post(rights, dataPath+"/correct", s.rectify),
		get(dataPath+"/restrict", s.showRestrict), post(rights, dataPath+"/restrict", s.restrict),
		get(consentsPath+"/object/:doc", s.showObject), post(rights, consentsPath+"/object/:doc", s.object),
		post(exempt, consentsPath+"/object", s.objectToMarketing), post(exempt, consentsPath+"/resume", s.resumeUse),
	}
}

func (s *Server) showRectify(c echo.Context) error { return s.rectifyPage(c, nil) }

func (s *Server) rectifyPage(c echo.Context, refused valid.Errors) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	p, err := s.Profiles.Find(ctx, session.User(ctx))
	if err != nil {
		return err
	}
	f := s.form(c, refused)
	view := pages.RectifyPage{
		Page: s.page(c, "correct.title"), Token: f.token, Refusals: f.summary(),
		Subject: components.SelectModel{Name: privacy.FieldSubject, Label: i18n.T(ctx, "correct.subject"), Error: f.problem(privacy.FieldSubject)},
		Value: components.FieldModel{
			Name: privacy.FieldValue, Label: i18n.T(ctx, "correct.value"), Value: form.Get(privacy.FieldValue), Error: f.problem(privacy.FieldValue),
		},
		Note: s.noteField(c, f, "correct.note"),
	}
	for _, name := range privacy.Correctable(tenant.From(ctx), p) {
		view.Subject.Options = append(view.Subject.Options, components.Option{
			Value: name, Text: s.subjectName(ctx, name), Selected: name == form.Get(privacy.FieldSubject),
		})
		if name != privacy.Other {
			view.Now = append(view.Now, s.profileSubject(ctx, p, name))
		}
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.Rectify(view))
}

// noteField is where somebody says why, if they want to.
func (s *Server) noteField(c echo.Context, f form, label string) components.FieldModel {
	return components.FieldModel{
		Name: privacy.FieldNote, Label: i18n.T(f.ctx, label), Value: c.Request().PostForm.Get(privacy.FieldNote), Rows: 4, Optional: true,
		Error: f.problem(privacy.FieldNote),
	}
}

// ask takes a request in; again is the page of its form, for what is refused.
func (s *Server) ask(c echo.Context, r privacy.Request, again func(echo.Context, valid.Errors) error) error {
	ctx := c.Request().Context()
	err := s.Privacy.Ask(ctx, session.User(ctx), r)
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return again(c, refused)
	}
	if err != nil {
		return err
	}
	return s.done(c, "data.asked", dataPath)
}

func (s *Server) rectify(c echo.Context) error {
	form := c.Request().PostForm
	r := privacy.Request{
		Kind: privacy.Rectification, Subject: form.Get(privacy.FieldSubject), New: form.Get(privacy.FieldValue), Note: form.Get(privacy.FieldNote),
	}
	return s.ask(c, r, s.rectifyPage)
}

func (s *Server) showRestrict(c echo.Context) error { return s.restrictPage(c, nil) }

func (s *Server) restrictPage(c echo.Context, refused valid.Errors) error {
	ctx := c.Request().Context()
	f := s.form(c, refused)
	view := pages.AskRightPage{
		Page: s.page(c, "restrict.title"), Token: f.token, Refusals: f.summary(), Lead: i18n.T(ctx, "restrict.lead"),
		Effect: i18n.T(ctx, "restrict.yours"), Action: dataPath + "/restrict", Back: dataPath, Note: s.noteField(c, f, "restrict.note"),
		Submit: i18n.T(ctx, "restrict.ask"),
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.AskRight(view))
}

func (s *Server) restrict(c echo.Context) error {
	return s.ask(c, privacy.Request{Kind: privacy.Restriction, Note: c.Request().PostForm.Get(privacy.FieldNote)}, s.restrictPage)
}

// use finds the legitimate interest of the address.
func (s *Server) use(c echo.Context, key string) (terms.Purpose, error) {
	ctx := c.Request().Context()
	p, err := s.Consents.FindInterest(ctx, session.User(ctx), key, i18n.Current(ctx).Tag)
	if errors.Is(err, terms.ErrNotFound) {
		err = echo.ErrNotFound
	}
	return p, err
}

func (s *Server) showObject(c echo.Context) error { return s.objectPage(c, nil) }

func (s *Server) objectPage(c echo.Context, refused valid.Errors) error {
	ctx := c.Request().Context()
	p, err := s.use(c, c.Param("doc"))
	if err != nil {
		return err
	}
	f := s.form(c, refused)
	view := pages.AskRightPage{
		Page: s.titled(c, i18n.T(ctx, "object.title", "purpose", p.Text.Title)), Token: f.token, Refusals: f.summary(), Lead: i18n.T(ctx, "object.lead"),
		Effect: i18n.T(ctx, "restrict.meanwhile"), Lang: p.Text.Locale, Dir: direction(p.Text.Locale), HTML: p.Text.HTML,
		Action: consentsPath + "/object/" + p.Document.Key, Back: consentsPath, Note: s.noteField(c, f, "object.note"), Submit: i18n.T(ctx, "object.submit"),
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.AskRight(view))
}

// object takes in an objection that an administrator weighs.
func (s *Server) object(c echo.Context) error {
	p, err := s.use(c, c.Param("doc"))
	if err != nil {
		return err
	}
	return s.ask(c, privacy.Request{
		Kind: privacy.Objection, Subject: p.Document.Key, Note: c.Request().PostForm.Get(privacy.FieldNote),
	}, s.objectPage)
}

// objectToMarketing ends direct marketing with one click: no reason, no proof, no answer to wait for.
func (s *Server) objectToMarketing(c echo.Context) error {
	return s.decideUse(c, s.Consents.ObjectTo, "object.done")
}

// resumeUse takes an objection back, with as many clicks.
func (s *Server) resumeUse(c echo.Context) error {
	return s.decideUse(c, s.Consents.Resume, "object.resumed")
}
