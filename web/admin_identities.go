package web

import (
	"context"

	"portico/internal/i18n"
	"portico/internal/tenant"
	"portico/views/pages"
)

// identityModels are the identities of u for an administrator (rule I-6). What a provider hands out for itself, such as a
// token, was never kept.
func (s *Server) identityModels(ctx context.Context, u tenant.User) ([]pages.IdentityModel, error) {
	attached, err := s.Providers.AttachedTo(ctx, u)
	models := make([]pages.IdentityModel, len(attached))
	for i, one := range attached {
		models[i] = pages.IdentityModel{
			Name: firstNonEmpty(one.Connection.Name, one.Linked.Connection), Main: one.Main, Left: one.Left, Data: pretty(one.Data.JSON()),
			Facts: []pages.Row{
				{Label: i18n.T(ctx, "admin.connection"), Value: one.Linked.Connection, LTR: true},
				{Label: i18n.T(ctx, "connections.provider"), Value: one.Connection.Provider(), LTR: true},
				{Label: i18n.T(ctx, "identities.id"), Value: one.Subject, LTR: true},
				{Label: i18n.T(ctx, "identities.since"), Value: utc(one.CreatedAt), LTR: true},
				{Label: i18n.T(ctx, "admin.last"), Value: utc(one.SeenAt), LTR: true},
			},
		}
	}
	return models, err
}
