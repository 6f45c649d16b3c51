package audit_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"portico/internal/audit"
	"portico/internal/tenant"
)

// endless is a record of so many events, which keeps what is added.
type endless struct {
	size    int
	most    int
	fail    int
	asked   int
	added   []audit.Event
	tenants []tenant.ID
}

var errBroken = errors.New("broken")

func (e *endless) AppendEvent(_ context.Context, one audit.Event) error {
	e.added = append(e.added, one)
	return nil
}

func (e *endless) SearchEvents(_ context.Context, t tenant.ID, f audit.Filter) ([]audit.Event, error) {
	e.asked++
	if e.asked == e.fail {
		return nil, errBroken
	}
	e.most, e.tenants = max(e.most, f.Limit), append(e.tenants, t)
	from := e.size
	if f.Before != "" {
		from, _ = strconv.Atoi(f.Before)
	}
	var found []audit.Event
	for id := from - 1; id >= 0 && len(found) < f.Limit; id-- {
		found = append(found, audit.Event{ID: strconv.Itoa(id)})
	}
	return found, nil
}

func TestEachReadsTheRecordPageByPage(t *testing.T) {
	t.Parallel()
	actor := tenant.User{Tenant: "books", ID: "portico|1"}
	for name, test := range map[string]struct {
		size, want int
		more       bool
	}{
		"an empty record":               {0, 0, false},
		"a page":                        {500, 500, false},
		"a page and one":                {501, 501, false},
		"as many as a file may have":    {audit.MaxExported, audit.MaxExported, false},
		"one more than a file may have": {audit.MaxExported + 1, audit.MaxExported, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &endless{size: test.size}
			log := audit.New(store, time.Now)
			begun, read, next := 0, 0, test.size-1
			more, err := log.Each(t.Context(), actor, audit.Filter{User: "portico|2", Until: time.Now()}, func() { begun++ }, func(e audit.Event) error {
				if e.ID != strconv.Itoa(next) {
					t.Fatalf("got event %s, want %d", e.ID, next)
				}
				read, next = read+1, next-1
				return nil
			})
			if err != nil || more != test.more || read != test.want || begun != 1 {
				t.Errorf("got %d, more %v, begun %d times, %v, want %d, more %v", read, more, begun, err, test.want, test.more)
			}
			if store.most > 500 {
				t.Errorf("got %d in memory at once, want at most 500", store.most)
			}
			if len(store.added) != 1 || store.added[0].Type != audit.AuditExported || store.added[0].Actor.ID != actor.ID ||
				!slices.Equal(store.added[0].Fields, []string{"user", "to"}) {
				t.Errorf("got %+v, want who read what, without the values", store.added)
			}
			for _, one := range store.tenants {
				if one != actor.Tenant {
					t.Errorf("read the record of %s", one)
				}
			}
		})
	}
}

func TestEachSaysWhatWentWrong(t *testing.T) {
	t.Parallel()
	store := &endless{size: 900, fail: 2}
	read := 0
	_, err := audit.New(store, time.Now).Each(t.Context(), tenant.User{Tenant: "books", ID: "x"}, audit.Filter{}, func() {}, func(audit.Event) error {
		read++
		return nil
	})
	if !errors.Is(err, errBroken) || read != 500 {
		t.Errorf("got %d events, %v, want 500 and the error", read, err)
	}
}
