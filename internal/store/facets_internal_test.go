package store

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portico/internal/profile"
	"portico/internal/tenant"
)

func TestPeopleWhoWereThereBeforeGetTheirFacets(t *testing.T) {
	t.Parallel()
	db, err := Open("sqlite:" + filepath.Join(t.TempDir(), "portico.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	ctx := context.Background()
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	var last tenant.User
	add := func(ctx context.Context, id tenant.ID) error {
		for i := range fillBatch + 3 {
			last = tenant.User{Tenant: id, ID: "portico|" + string(rune('a'+i%26)) + string(rune('0'+i/26))}
			p := profile.Profile{User: last, Connection: profile.Database, UserMetadata: profile.Metadata{"country": []byte(`"DE"`)}, CreatedAt: utcNow(), UpdatedAt: utcNow(), EditedAt: utcNow()}
			if err := db.AddProfile(ctx, p); err != nil {
				return err
			}
		}
		return nil
	}
	for _, id := range []tenant.ID{"one", "two"} {
		if err := db.InTx(ctx, func(ctx context.Context) error { return add(ctx, id) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.db(ctx).Exec("DELETE FROM user_facets WHERE user_id <> 'portico|a0'").Error; err != nil {
		t.Fatal(err)
	}
	if err := db.fillFacets(ctx); err != nil {
		t.Fatal(err)
	}
	var rows int64
	if err := db.db(ctx).Model(&facetRow{}).Count(&rows).Error; err != nil || rows != 2*(fillBatch+3) {
		t.Errorf("got %d rows, %v, want one for everybody", rows, err)
	}
	got, err := db.Facets(ctx, last)
	if diff := cmp.Diff(map[string]string{"user_metadata.country": "DE"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}
