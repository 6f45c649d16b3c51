package i18n

import (
	"context"
	"testing"
	"time"
)

func TestDate(t *testing.T) {
	at := time.Date(2026, 11, 12, 23, 5, 59, 0, time.UTC)
	for _, c := range []struct{ tag, day, minute string }{
		{"en", "12 November 2026", "12 Nov 2026, 23:05"},
		{"de", "12. November 2026", "12. Nov. 2026, 23:05"},
		{"es", "12 de noviembre de 2026", "12 nov 2026, 23:05"},
		{"fr", "12 novembre 2026", "12 nov. 2026, 23:05"},
		{"pt", "12 de novembro de 2026", "12 nov. 2026, 23:05"},
		{"pl", "12 listopada 2026", "12 lis 2026, 23:05"},
		{"ar", "12 نوفمبر 2026", "12 نوفمبر 2026، 23:05"},
		{"ja", "2026年11月12日", "2026年11月12日 23:05"},
	} {
		ctx := With(context.Background(), c.tag, nil)
		if got := Date(ctx, at); got != c.day {
			t.Errorf("%s: got %q, want %q", c.tag, got, c.day)
		}
		if got := DateTime(ctx, at); got != c.minute {
			t.Errorf("%s: got %q, want %q", c.tag, got, c.minute)
		}
	}
	east := With(context.Background(), "en", time.FixedZone("east", 9*3600))
	if got, want := Date(east, at), "13 November 2026"; got != want {
		t.Errorf("in another zone: got %q, want %q", got, want)
	}
	if got, want := DateTime(east, at), "13 Nov 2026, 08:05"; got != want {
		t.Errorf("in another zone: got %q, want %q", got, want)
	}
}

func TestDuration(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0 minutes"},
		{time.Millisecond, "1 second"},
		{time.Second, "1 second"},
		{42 * time.Second, "42 seconds"},
		{time.Minute, "1 minute"},
		{90 * time.Second, "90 seconds"},
		{2*time.Minute + time.Second, "3 minutes"},
		{15 * time.Minute, "15 minutes"},
		{time.Hour, "60 minutes"},
		{2 * time.Hour, "2 hours"},
		{2*time.Hour + time.Nanosecond, "3 hours"},
		{24 * time.Hour, "24 hours"},
		{48 * time.Hour, "48 hours"},
		{7 * 24 * time.Hour, "7 days"},
		{7*24*time.Hour - time.Second, "7 days"},
	} {
		if got := Duration(ctx, c.d); got != c.want {
			t.Errorf("%v: got %q, want %q", c.d, got, c.want)
		}
	}
	if got, want := Duration(With(ctx, "pl", nil), time.Minute), "1 minutę"; got != want {
		t.Errorf("got %q, want %q: sentences put it after \"za\" and \"przez\"", got, want)
	}
}
