package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"portico/internal/admin"
	"portico/internal/i18n"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

func (s *Server) showMetadata(c echo.Context) error {
	ctx := c.Request().Context()
	u, err := s.person(c)
	if err != nil {
		return err
	}
	p, err := s.Admin.Look(ctx, session.User(ctx), u)
	if err != nil {
		return err
	}
	m := admin.Metadata{Version: p.Version, User: pretty(p.UserMetadata.JSON()), App: pretty(p.AppMetadata.JSON())}
	return s.metadataForm(c, p, m, nil)
}

func pretty(content []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, content, "", "  ") != nil {
		return string(content)
	}
	return b.String()
}

func (s *Server) metadataForm(c echo.Context, p profile.Profile, m admin.Metadata, refused valid.Errors) error {
	ctx := c.Request().Context()
	f := s.form(c, refused)
	view := pages.PersonMetadataPage{
		PersonPage: s.personPage(c, p, "metadata"), Refusals: f.summary(), Version: strconv.FormatInt(m.Version, 10),
		User: components.FieldModel{
			Name: admin.FieldUser, Label: "user_metadata", Hint: i18n.T(ctx, "admin.user_metadata.hint"), Value: m.User, Rows: 10, Mono: true, Error: f.problem(admin.FieldUser),
		},
		App: components.FieldModel{
			Name: admin.FieldApp, Label: "app_metadata", Hint: i18n.T(ctx, "admin.app_metadata.hint"), Value: m.App, Rows: 10, Mono: true, Error: f.problem(admin.FieldApp),
		},
		Size: i18n.T(ctx, "admin.size", "user", len(p.UserMetadata.JSON()), "app", len(p.AppMetadata.JSON()), "max", profile.MaxMetadata),
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.PersonMetadata(view))
}

// saveMetadata first shows what would change, and saves it when that page is sent.
func (s *Server) saveMetadata(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	u, err := s.person(c)
	if err != nil {
		return err
	}
	p, err := s.Admin.Find(ctx, session.User(ctx), u)
	if err != nil {
		return err
	}
	version, _ := strconv.ParseInt(form.Get(fieldVersion), 10, 64)
	m := admin.Metadata{Version: version, User: form.Get(admin.FieldUser), App: form.Get(admin.FieldApp)}
	user, app, err := m.Check()
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.metadataForm(c, p, m, refused)
	}
	if err != nil {
		return err
	}
	if form.Get("confirmed") == "" {
		view := pages.PersonDiffPage{
			PersonPage: s.personPage(c, p, "metadata"), Version: form.Get(fieldVersion), User: m.User, App: m.App,
			Rows: append(metadataDiff("user_metadata", p.UserMetadata, user), metadataDiff("app_metadata", p.AppMetadata, app)...),
		}
		view.Token = s.token(c)
		return s.render(c, http.StatusOK, pages.PersonDiff(view))
	}
	err = s.Admin.SetMetadata(ctx, session.User(ctx), u, m)
	if _, stale := errors.AsType[profile.Stale](err); stale {
		m.Version = p.Version
		return s.metadataForm(c, p, m, valid.Errors{{Key: "admin.stale"}})
	}
	if err != nil {
		return err
	}
	return s.done(c, "admin.saved", personURL(u.ID, "metadata"))
}

// metadataDiff lists what changes between two objects, root key by root key.
func metadataDiff(name string, before, after profile.Metadata) []pages.DiffRow {
	var rows []pages.DiffRow
	for _, key := range after.Changed(before) {
		rows = append(rows, pages.DiffRow{Key: name + "." + key, Before: string(before[key]), After: string(after[key])})
	}
	return rows
}
