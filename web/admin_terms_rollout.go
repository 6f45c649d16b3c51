package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/views/components"
	"portico/views/pages"
)

// dayRows is how many days the table of a rollout shows at a time.
const dayRows = 31

func (s *Server) showRollout(c echo.Context) error { return s.rolloutPage(c, http.StatusOK, "") }

// rolloutPage is how far a version has come: counts, never of fewer than five people, and who has not accepted.
func (s *Server) rolloutPage(c echo.Context, status int, note string) error {
	ctx := c.Request().Context()
	t := tenant.From(ctx)
	library, v, now, err := s.version(c)
	if err != nil {
		return err
	}
	r, err := s.Terms.Rollout(ctx, t, v.Document, v.Number)
	if errors.Is(err, terms.ErrNotFound) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	view := pages.RolloutPage{
		Page:  s.titledAdmin(c, i18n.T(ctx, "rollout.title", "key", v.Document, "n", v.Number)),
		Token: s.token(c), Self: versionURL(v) + "/rollout", Version: versionURL(v), Note: note, Figures: rolloutFigures(ctx, r),
		Language: languageFilter(ctx, t, c.QueryParam("language")), Languages: byLanguage(ctx, r.Tallies), Waves: wavesView(ctx, r.Waves),
	}
	s.rolloutDays(c, &view, r.Tallies)
	if stage := library.Stage(v, now); r.Waiting > 0 && (stage == terms.Announced || stage == terms.Effective) {
		view.Remind = i18n.T(ctx, "rollout.remind", "count", int(r.Waiting))
		view.Time = i18n.T(ctx, "rollout.remind.time", "time", i18n.Duration(ctx, r.Letters), "rate", t.LetterRate())
	}
	if err := s.undecidedRows(c, &view, v); err != nil {
		return err
	}
	return s.render(c, status, pages.Rollout(view))
}

// few hides numbers that are so small that they might tell of single people.
func few(ctx context.Context, n int64) string {
	if n > 0 && n < 5 {
		return i18n.T(ctx, "rollout.few")
	}
	return number(n)
}

func rolloutFigures(ctx context.Context, r terms.Rollout) []pages.PlanRow {
	var rows []pages.PlanRow
	for _, f := range []struct {
		key    string
		people int64
	}{
		{"rollout.asked", r.Asked}, {"rollout.accepted", r.Accepted}, {"rollout.declined", r.Declined}, {"rollout.seen", r.Seen}, {"rollout.unseen", r.Unseen},
	} {
		rows = append(rows, pages.PlanRow{Label: i18n.T(ctx, f.key), Value: few(ctx, f.people)})
	}
	if r.Exempt > 0 {
		rows = append(rows, pages.PlanRow{Label: i18n.T(ctx, "adminterms.reach.waiting"), Value: few(ctx, r.Exempt)})
	}
	return rows
}

func languageFilter(ctx context.Context, t tenant.Tenant, chosen string) components.SelectModel {
	m := components.SelectModel{Name: "language", Label: i18n.T(ctx, "rollout.language"), Options: []components.Option{{Text: i18n.T(ctx, "rollout.all")}}}
	m.Options = append(m.Options, localeOptions(t, chosen)...)
	return m
}

// outcomeCounts are what became of a version, by outcome.
type outcomeCounts map[terms.Outcome]int64

func (o outcomeCounts) row(ctx context.Context, label, lang string) pages.RolloutRow {
	return pages.RolloutRow{
		Label: label, Lang: lang, Accepted: few(ctx, o[terms.OutcomeAccepted]), Declined: few(ctx, o[terms.OutcomeDeclined]),
		Seen: few(ctx, o[terms.OutcomeSeen]),
	}
}

// gather adds tallies up by a word of theirs, the words in the order in which they come.
func gather(tallies []terms.Tally, by func(terms.Tally) string) (words []string, counts map[string]outcomeCounts) {
	counts = map[string]outcomeCounts{}
	for _, tally := range tallies {
		word := by(tally)
		if counts[word] == nil {
			counts[word] = outcomeCounts{}
			words = append(words, word)
		}
		counts[word][tally.Outcome] += tally.People
	}
	return words, counts
}

func byLanguage(ctx context.Context, tallies []terms.Tally) []pages.RolloutRow {
	locales, counts := gather(tallies, func(t terms.Tally) string { return t.Locale })
	var rows []pages.RolloutRow
	for _, locale := range locales {
		language, _ := i18n.Find(locale)
		rows = append(rows, counts[locale].row(ctx, language.Name, locale))
	}
	return rows
}

// rolloutDays fills in the plot and a page of its table, the newest day first, of one language or all.
func (s *Server) rolloutDays(c echo.Context, view *pages.RolloutPage, all []terms.Tally) {
	ctx, language := c.Request().Context(), c.QueryParam("language")
	var tallies []terms.Tally
	for _, tally := range all {
		if language == "" || tally.Locale == language {
			tallies = append(tallies, tally)
		}
	}
	days, counts := gather(tallies, func(t terms.Tally) string { return t.Day })
	if len(days) == 0 {
		return
	}
	view.Plot = drawn(ctx, days, counts)
	until := c.QueryParam("until")
	for i := len(days) - 1; i >= 0; i-- {
		if until != "" && days[i] >= until {
			continue
		}
		if len(view.Days) == dayRows {
			view.DayPager.Older = withQuery(c, "until", days[i+1], "after")
			break
		}
		view.Days = append(view.Days, counts[days[i]].row(ctx, days[i], ""))
	}
	if until != "" {
		view.DayPager.Newer = withQuery(c, "until", "", "until")
	}
}

// The plot, in its own units.
const (
	plotWidth  = 640
	plotTop    = 10
	plotHeight = 200
	plotPoints = 160
)

// drawn is the plot of these days: people added up, from the first day to the last. Where fewer than five have come together
// a line stays at nothing.
func drawn(ctx context.Context, days []string, counts map[string]outcomeCounts) *pages.RolloutPlot {
	first, _ := time.Parse(time.DateOnly, days[0])
	last, _ := time.Parse(time.DateOnly, days[len(days)-1])
	span := int(last.Sub(first).Hours()/24) + 1
	lines := []struct {
		outcome terms.Outcome
		sums    []int64
	}{{outcome: terms.OutcomeAccepted}, {outcome: terms.OutcomeDeclined}, {outcome: terms.OutcomeSeen}}
	top := int64(5)
	for i := range lines {
		sum := int64(0)
		for day := range span {
			sum += counts[first.AddDate(0, 0, day).Format(time.DateOnly)][lines[i].outcome]
			shown := sum
			if sum < 5 {
				shown = 0
			}
			lines[i].sums = append(lines[i].sums, shown)
		}
		top = max(top, sum)
	}
	plot := &pages.RolloutPlot{Top: number(top), First: days[0], Last: days[len(days)-1]}
	for _, line := range lines {
		plot.Lines = append(plot.Lines, pages.RolloutLine{
			Class: string(line.outcome), Label: i18n.T(ctx, "rollout."+string(line.outcome)), Points: points(line.sums, top),
		})
	}
	return plot
}

// points are at most plotPoints places of a line that begins at nothing the day before.
func points(sums []int64, top int64) string {
	step := max(1, (len(sums)+plotPoints-1)/plotPoints)
	var b strings.Builder
	b.WriteString("0," + strconv.Itoa(plotTop+plotHeight))
	for i := step - 1; i < len(sums)+step-1; i += step {
		at := min(i, len(sums)-1)
		x := (at + 1) * plotWidth / len(sums)
		y := plotTop + plotHeight - int(sums[at]*plotHeight/top)
		b.WriteString(" " + strconv.Itoa(x) + "," + strconv.Itoa(y))
	}
	return b.String()
}

func wavesView(ctx context.Context, waves []terms.Wave) []pages.RolloutWave {
	rows := make([]pages.RolloutWave, len(waves))
	for i, w := range waves {
		kind, _, _ := strings.Cut(string(w.Kind), "-")
		rows[i] = pages.RolloutWave{Kind: i18n.T(ctx, "rollout.wave."+kind), Due: utc(w.DueAt), Sent: number(int64(w.Sent)), Done: utc(w.DoneAt)}
	}
	return rows
}

func (s *Server) undecidedRows(c echo.Context, view *pages.RolloutPage, v terms.Version) error {
	ctx := c.Request().Context()
	people, err := s.Terms.Undecided(ctx, tenant.From(ctx).ID, v.Document, v.Number, c.QueryParam("after"), listRows+1)
	if err != nil {
		return err
	}
	if len(people) > listRows {
		people = people[:listRows]
		view.Pager.Older = withQuery(c, "after", people[listRows-1].User.ID, "")
	}
	for _, p := range people {
		view.Undecided = append(view.Undecided, pages.UndecidedRow{
			Name: firstNonEmpty(p.Name, p.Email, p.User.ID), URL: personURL(p.User.ID, ""), Told: utc(p.Notice.MailedAt), Seen: utc(p.Notice.SeenAt),
			Declined: utc(p.Notice.DeclinedAt),
		})
	}
	if c.QueryParam("after") != "" {
		view.Pager.Newer = withQuery(c, "after", "", "after")
	}
	return nil
}

// remind begins a reminder to everybody who has not accepted.
func (s *Server) remind(c echo.Context) error {
	ctx := c.Request().Context()
	_, v, _, err := s.version(c)
	if err != nil {
		return err
	}
	err = s.Terms.Remind(ctx, session.User(ctx), v.Document, v.Number)
	switch {
	case errors.Is(err, terms.ErrReminded):
		return s.rolloutPage(c, http.StatusConflict, i18n.T(ctx, "rollout.today"))
	case errors.Is(err, terms.ErrNotFound):
		return echo.ErrNotFound
	case err != nil:
		return err
	}
	return s.done(c, "rollout.reminded", versionURL(v)+"/rollout")
}

// downloadUndecided lists who has not accepted, row by row: a list of any length takes no memory.
func (s *Server) downloadUndecided(c echo.Context) error {
	ctx := c.Request().Context()
	_, v, _, err := s.version(c)
	if err != nil {
		return err
	}
	list := s.table(c, v.Document+"-"+strconv.Itoa(v.Number)+"-undecided", "user_id", "email", "name", "language", "mailed_at", "seen_at", "declined_at")
	err = s.Terms.EachUndecided(ctx, session.User(ctx), v.Document, v.Number, list.begin, func(p terms.Undecided) error {
		return list.row(p.User.ID, p.Email, p.Name, p.Notice.Locale, stamp(p.Notice.MailedAt), stamp(p.Notice.SeenAt), stamp(p.Notice.DeclinedAt))
	})
	if errors.Is(err, terms.ErrNotFound) {
		return echo.ErrNotFound
	}
	return list.end(err)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
