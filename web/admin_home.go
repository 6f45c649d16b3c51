package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"portico/internal/admin"
	"portico/internal/audit"
	"portico/internal/i18n"
	"portico/internal/tenant"
	"portico/views/components"
	"portico/views/pages"
)

// showAdmin is the start of the administration: find somebody, how the tenant is doing, and what administrators did last.
func (s *Server) showAdmin(c echo.Context) error {
	ctx := c.Request().Context()
	t := tenant.From(ctx).ID
	figures, err := s.Admin.Figures(ctx, t)
	if err != nil {
		return err
	}
	events, err := s.Audit.Search(ctx, t, audit.Filter{Types: adminEvents, Limit: recentRows})
	if err != nil {
		return err
	}
	library, _, err := s.Terms.Library(ctx, t)
	if err != nil {
		return err
	}
	rows, err := s.namedRows(ctx, events)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, pages.Admin(pages.AdminPage{
		Waiting: waitingVersions(ctx, library),
		Page:    s.adminPage(c, "admin.title"), Figures: figureRows(ctx, figures), New: figures.Users <= 1, Events: rows,
	}))
}

// namedRows are lines of the record in which people have the names they have today; whoever is gone has none, and no page.
func (s *Server) namedRows(ctx context.Context, events []audit.Event) ([]pages.AdminEvent, error) {
	rows := adminRows(ctx, events)
	var ids []string
	for _, e := range events {
		for _, id := range []string{e.Actor.ID, e.User.ID} {
			if id != "" && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	names, err := s.Admin.Names(ctx, tenant.From(ctx).ID, ids...)
	for i, e := range events {
		rows[i].Who, rows[i].Named = firstNonEmpty(names[e.Actor.ID], rows[i].Who), names[e.User.ID]
		if names[e.Actor.ID] == "" {
			rows[i].WhoURL = ""
		}
		if rows[i].Named == "" {
			rows[i].WhomURL = ""
		}
	}
	return rows, err
}

// adminEvents are what the start page shows of the record: what only administrators do.
var adminEvents = []audit.Type{
	audit.Blocked, audit.Unblocked, audit.AdminWrote, audit.MetadataUpdated, audit.AdministratorAdded, audit.AdministratorGone, audit.SettingsChanged,
	audit.TermsPublished, audit.TermsWithdrawn, audit.TermsCorrected, audit.TermsCancelled, audit.TermsRetired, audit.TermsErased,
	audit.TermsSubmitted, audit.TermsSentBack, audit.TermsApprovalSet, audit.TermsNoticeSet, audit.RequestAnswered,
	audit.CaseExtended, audit.Restricted, audit.Unrestricted,
}

// figureRows are the figures with where each leads, and the tone of those that somebody should look at.
func figureRows(ctx context.Context, f admin.Figures) []pages.Figure {
	rows := []pages.Figure{
		{Label: i18n.T(ctx, "admin.users"), URL: "/admin/users", Value: count(f.Users)},
		{Label: i18n.T(ctx, "admin.state.unverified"), URL: "/admin/users?state=unverified", Value: count(f.Unverified)},
		{Label: i18n.T(ctx, "admin.figure.blocked"), URL: "/admin/blocks", Value: count(f.Blocked)},
		{Label: i18n.T(ctx, "admin.figure.owing"), URL: "/admin/terms", Value: count(f.Owing)},
		{Label: i18n.T(ctx, "admin.figure.letters"), URL: "/admin/emails/outbox?state=failed", Value: count(f.Letters)},
		{Label: i18n.T(ctx, "admin.figure.requests"), URL: "/admin/requests", Value: count(f.Requests)},
		{Label: i18n.T(ctx, "admin.figure.due"), URL: "/admin/requests", Value: count(f.Due)},
	}
	if f.Letters > 0 {
		rows[4].Tone = components.Danger
	}
	if f.Requests > 0 {
		rows[5].Tone = components.Warn
	}
	if f.Due > 0 {
		rows[6].Tone = components.Danger
	}
	return rows
}

// count writes a figure, and one that was not counted to its end with a plus.
func count(n int) string {
	if n > admin.MostCounted {
		return strconv.Itoa(admin.MostCounted) + "+"
	}
	return strconv.Itoa(n)
}
