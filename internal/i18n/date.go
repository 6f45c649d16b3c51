package i18n

import (
	"context"
	"fmt"
	"time"
)

// Date writes the day of t in the reader's language and time zone, with the month as a word: "12 November 2026".
func Date(ctx context.Context, t time.Time) string {
	t = t.In(Zone(ctx))
	return T(ctx, "date.day", "day", t.Day(), "month", T(ctx, fmt.Sprintf("date.month.%d", t.Month())), "year", t.Year())
}

// DateTime writes t to the minute in the reader's language and time zone: "12 Nov 2026, 14:05".
func DateTime(ctx context.Context, t time.Time) string {
	t = t.In(Zone(ctx))
	return T(ctx, "date.time", "day", t.Day(), "month", T(ctx, fmt.Sprintf("date.mon.%d", t.Month())), "year", t.Year(),
		"time", t.Format("15:04"))
}

// Moment is DateTime with the zone it is in: for deadlines, and for whoever may read it elsewhere.
func Moment(ctx context.Context, t time.Time) string {
	return T(ctx, "date.zoned", "time", DateTime(ctx, t), "zone", Zone(ctx).String())
}

// Duration writes d in words, in the largest unit that loses nothing that matters: "15 minutes", "24 hours", "7 days".
// It rounds up, so that a wait is never shorter than the words say.
func Duration(ctx context.Context, d time.Duration) string {
	up := func(unit time.Duration) int { return int((d + unit - 1) / unit) }
	switch {
	case d < 2*time.Minute && d%time.Minute != 0:
		return T(ctx, "date.seconds", "count", up(time.Second))
	case d < 2*time.Hour:
		return T(ctx, "date.minutes", "count", up(time.Minute))
	case d < 49*time.Hour:
		return T(ctx, "date.hours", "count", up(time.Hour))
	default:
		return T(ctx, "date.days", "count", up(24*time.Hour))
	}
}
