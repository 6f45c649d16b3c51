package web

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"portico/internal/admin"
	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// The fields that say which block to lift: whose an administrator's is, or the key of an automatic one.
const (
	fieldBlocked   = "user"
	fieldAutomatic = "block"
)

func (s *Server) showBlocks(c echo.Context) error { return s.blocksPage(c, nil) }

// blocksPage lists who is kept out: by administrators, and automatically after wrong passwords.
func (s *Server) blocksPage(c echo.Context, refused valid.Errors) error {
	ctx := c.Request().Context()
	found, err := s.Admin.Blocks(ctx, tenant.From(ctx).ID, c.QueryParam("after"), c.QueryParam("automatic"), listRows)
	if err != nil {
		return err
	}
	f := s.form(c, refused)
	view := pages.BlocksPage{Page: s.adminPage(c, "admin.blocks"), Token: s.token(c), Refusals: f.summary()}
	view.Refused = len(refused) > 0
	for i, p := range found.People {
		row := blockedRow(c, p, found.Names)
		view.People = append(view.People, unblockable(c, f, row, fieldBlocked, p.User.ID, i))
	}
	for i, b := range found.Automatic {
		row := automaticRow(b, found.Names)
		view.Automatic = append(view.Automatic, unblockable(c, f, row, fieldAutomatic, b.Key, i))
	}
	for i := range view.Refusals {
		view.Refusals[i].Field = refusedRow(view)
	}
	if found.Next != "" {
		view.Pager.Older = withQuery(c, "after", found.Next, "")
	}
	if found.NextAutomatic != "" {
		view.AutomaticPager.Older = withQuery(c, "automatic", found.NextAutomatic, "")
	}
	return s.render(c, f.status(), pages.Blocks(view))
}

func blockedRow(c echo.Context, p profile.Profile, names map[string]string) pages.BlockRow {
	row := pages.BlockRow{
		Name: firstNonEmpty(p.Name, p.Email, p.User.ID), URL: personURL(p.User.ID, ""), Reason: p.Block.Reason,
		Since: utc(p.Block.At), Until: utc(p.Block.Until), By: firstNonEmpty(names[p.Block.By], p.Block.By),
	}
	if _, known := names[p.Block.By]; known {
		row.ByURL = personURL(p.Block.By, "")
	}
	if p.Block.By == "" {
		row.By = i18n.T(c.Request().Context(), "admin.actor.system")
	}
	return row
}

func automaticRow(b guard.Block, names map[string]string) pages.BlockRow {
	row := pages.BlockRow{Place: b.Place, Tries: strconv.Itoa(b.Tries), Since: utc(b.Since), Until: utc(b.Until)}
	if name, known := names[b.User.ID]; known {
		row.Name, row.URL = name, personURL(b.User.ID, "")
	}
	return row
}

// unblockable gives a row its form; the one that was refused is open and says why.
func unblockable(c echo.Context, f form, row pages.BlockRow, field, value string, i int) pages.BlockRow {
	row.Field, row.Value = field, value
	row.Asked = components.FieldModel{
		Name: admin.FieldReason, ID: admin.FieldReason + "-" + field + "-" + strconv.Itoa(i),
		Label: i18n.T(f.ctx, "admin.block.reason"),
	}
	if sent := c.Request().PostForm; len(f.refused) > 0 && sent.Get(field) == value {
		row.Open, row.Asked.Value, row.Asked.Error = true, sent.Get(admin.FieldReason), f.problem(admin.FieldReason)
	}
	return row
}

func refusedRow(view pages.BlocksPage) string {
	for _, row := range append(append([]pages.BlockRow(nil), view.People...), view.Automatic...) {
		if row.Open {
			return row.Asked.ID
		}
	}
	return ""
}

// liftBlock ends one of the blocks, for a reason.
func (s *Server) liftBlock(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	me, reason := session.User(ctx), form.Get(admin.FieldReason)
	var err error
	if id := form.Get(fieldBlocked); id != "" {
		err = s.Admin.Unblock(ctx, me, tenant.User{Tenant: me.Tenant, ID: id}, reason)
	} else {
		err = s.Admin.Lift(ctx, me, form.Get(fieldAutomatic), reason)
	}
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.blocksPage(c, refused)
	}
	if err != nil {
		return err
	}
	return s.done(c, "admin.blocks.done", "/admin/blocks")
}

func (s *Server) blockRoutes() []route {
	return []route{
		{admins, http.MethodGet, "/admin/blocks", s.showBlocks, false},
		{adminsFresh, http.MethodPost, "/admin/blocks", s.liftBlock, false},
	}
}
