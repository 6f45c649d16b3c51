package store

import (
	"context"

	"portico/internal/tenant"
	"portico/internal/terms"
)

// CountAsked counts the people of a version's audience by the value of a facet that they have; without a facet they are all
// under "". Those who accepted one of the numbers in satisfied, and whose acceptance has not expired, are left out.
//
// People are counted in the order of an index and those who are satisfied are taken off: a version that nobody can have
// accepted costs one walk along the index and not a look at every person.
func (db *DB) CountAsked(ctx context.Context, t tenant.ID, v terms.Version, facet string, satisfied []int) (map[string]int64, error) {
	args := map[string]any{
		"tenant": string(t), "document": v.Document, "by": facet, "satisfied": satisfied, "now": db.now(), "number": v.Audience.Number,
		"locale": v.Audience.Locale, "joined": v.Audience.JoinedBefore, "name": v.Audience.Name, "value": v.Audience.Value,
		"untranslated": v.Untranslated,
	}
	groups, err := db.counted(ctx, askedGroups(v, facet, false), args)
	if err != nil || len(satisfied) == 0 {
		return groups, err
	}
	done, err := db.counted(ctx, askedGroups(v, facet, true), args)
	for value, people := range done {
		if groups[value] -= people; groups[value] <= 0 {
			delete(groups, value)
		}
	}
	return groups, err
}

func (db *DB) counted(ctx context.Context, statement string, args map[string]any) (map[string]int64, error) {
	var rows []struct {
		Value  string
		People int64
	}
	err := db.db(ctx).Raw(statement, args).Scan(&rows).Error
	groups := make(map[string]int64, len(rows))
	for _, r := range rows {
		groups[r.Value] = r.People
	}
	return groups, err
}

// askedGroups is the statement that counts the people of an audience by a facet, or of those the satisfied ones. It begins
// where the fewest are: at who is satisfied, who read a text, who has a facet; all people come last.
func askedGroups(v terms.Version, facet string, satisfied bool) string {
	a := v.Audience
	type table struct{ name, alias, where string }
	var tables []table
	if satisfied {
		tables = append(tables, table{`(SELECT DISTINCT a.user_id, a.tenant_id FROM assents a WHERE a.tenant_id = @tenant AND a.document = @document
			AND a.number IN @satisfied AND (a.expires_at IS NULL OR a.expires_at > @now))`, "s", ""})
	}
	if a.Locale != "" {
		tables = append(tables, table{"assents", "r", "r.document = @document AND r.number = @number AND r.locale = @locale"})
	}
	if a.Name != "" {
		tables = append(tables, table{"user_facets", "f", "f.name = @name AND f.value = @value"})
	}
	if facet != "" {
		tables = append(tables, table{"user_facets", "g", "g.name = @by"})
	}
	switch {
	case !a.JoinedBefore.IsZero():
		tables = append(tables, table{"users", "u", "u.created_at < @joined"})
	case len(tables) == 0 || satisfied || a.Locale != "": // what people accepted stays when they are gone
		tables = append(tables, table{"users", "u", ""})
	}
	first := tables[0].alias
	from, where := tables[0].name+" "+first, " WHERE "+first+".tenant_id = @tenant"
	for i, t := range tables {
		if i > 0 {
			from += " JOIN " + t.name + " " + t.alias + " ON " + t.alias + ".tenant_id = " + first + ".tenant_id AND " + t.alias + ".user_id = " + first + ".user_id"
		}
		if t.where != "" {
			where += " AND " + t.where
		}
	}
	if len(v.Untranslated) > 0 {
		where += " AND " + speaks(first+".tenant_id", first+".user_id") + " NOT IN @untranslated"
	}
	if facet == "" {
		return "SELECT '' AS value, COUNT(*) AS people FROM " + from + where
	}
	return "SELECT g.value AS value, COUNT(*) AS people FROM " + from + where + " GROUP BY g.value"
}
