package terms

import (
	"context"
	"errors"
	"strings"
	"time"

	"portico/internal/audit"
	"portico/internal/tenant"
)

// Approval says which versions a second person has to approve before they are published (ASVS 2.3.5).
type Approval string

// The settings. ApproveUsual is material changes, once the tenant has more than one administrator who could approve.
const (
	ApproveUsual    Approval = ""
	ApproveNone     Approval = "off"
	ApproveMaterial Approval = "material"
	ApproveAll      Approval = "always"
)

// Approvals lists the settings.
var Approvals = []Approval{ApproveUsual, ApproveNone, ApproveMaterial, ApproveAll}

// Needs reports whether a change of a kind needs a second person, in a tenant with so many administrators.
func (a Approval) Needs(m Materiality, admins int) bool {
	switch a {
	case ApproveNone:
		return false
	case ApproveAll:
		return true
	case ApproveMaterial:
		return m == Material
	default:
		return m == Material && admins > 1
	}
}

// Approval reads the setting, and how many administrators there are who are not blocked.
func (s *Service) Approval(ctx context.Context, t tenant.ID) (Approval, int, error) {
	return s.store.TermsApproval(ctx, t)
}

// SetApproval changes the setting, on record for everybody who administers.
func (s *Service) SetApproval(ctx context.Context, actor tenant.User, a Approval) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		before, _, err := s.store.TermsApproval(ctx, actor.Tenant)
		if err != nil || before == a {
			return err
		}
		if err := s.store.SaveTermsApproval(ctx, actor.Tenant, a); err != nil {
			return err
		}
		return s.log.Record(ctx, audit.Event{
			Type: audit.TermsApprovalSet, User: tenant.User{Tenant: actor.Tenant}, Actor: audit.Actor{Kind: audit.ByAdmin, ID: actor.ID},
			Detail: map[string]string{"before": before.word(), "after": a.word()},
		})
	})
}

func (a Approval) word() string {
	if a == ApproveUsual {
		return "usual"
	}
	return string(a)
}

func (s *Service) needsApproval(ctx context.Context, t tenant.ID, v Version) (bool, error) {
	setting, admins, err := s.store.TermsApproval(ctx, t)
	return setting.Needs(v.Materiality, admins), err
}

// Submit hands a draft with its dates to a second person; until then nobody changes it. It returns what Publish returns.
func (s *Service) Submit(ctx context.Context, actor tenant.User, document string, number int, plan Schedule) error {
	return s.change(ctx, actor.Tenant, document, func(ctx context.Context, library Library, now time.Time) error {
		v, err := library.draft(document, number)
		if err != nil {
			return err
		}
		if err := s.checkPublish(library, v, plan, now).Err(); err != nil {
			return err
		}
		v.SubmittedAt, v.SubmittedBy, v.Reason = now, actor.ID, strings.TrimSpace(plan.Reason)
		v.AnnounceAt, v.EffectiveAt, v.EnforceAt, v.Exempt = plan.AnnounceAt, plan.EffectiveAt, plan.EnforceAt, plan.Exempt
		if err := s.store.UpdateDraft(ctx, actor.Tenant, v); err != nil {
			return err
		}
		return s.note(ctx, audit.TermsSubmitted, actor, v, map[string]string{"effective": v.EffectiveAt.Format(time.DateOnly)})
	})
}

// waiting finds a version that waits for approval: the very submission that a page showed, or ErrChanged.
func (l Library) waiting(document string, number int, submitted time.Time) (Version, error) {
	v, ok := l.Version(document, number)
	d, _ := l.Document(document)
	switch {
	case !ok:
		return v, ErrNotFound
	case v.Published(), d.Retired():
		return v, ErrPublished
	case v.SubmittedAt.IsZero() || !v.SubmittedAt.Equal(submitted):
		return v, ErrChanged
	}
	return v, nil
}

// SendBack makes a draft of a version that waits for approval, whoever asks; why is on record for its author. It returns
// ErrPublished, ErrNotFound, and ErrChanged when it is not the submission of that moment.
func (s *Service) SendBack(ctx context.Context, actor tenant.User, document string, number int, submitted time.Time, why string) error {
	return s.change(ctx, actor.Tenant, document, func(ctx context.Context, library Library, _ time.Time) error {
		v, err := library.waiting(document, number, submitted)
		if err != nil {
			return err
		}
		detail := map[string]string{"submitted_by": v.SubmittedBy}
		if why = strings.TrimSpace(why); why != "" {
			detail["reason"] = cut(why, MaxReason)
		}
		v.SubmittedAt, v.SubmittedBy = time.Time{}, ""
		if err := s.store.UpdateDraft(ctx, actor.Tenant, v); err != nil {
			return err
		}
		return s.note(ctx, audit.TermsSentBack, actor, v, detail)
	})
}

// Approve publishes what was submitted at a moment, with the dates it was submitted with. It returns ErrOwn for who wrote it
// last or submitted it, ErrChanged when it was taken back or submitted again meanwhile, and what Publish returns: dates may
// have passed.
func (s *Service) Approve(ctx context.Context, actor tenant.User, document string, number int, submitted time.Time, typed string) error {
	return s.change(ctx, actor.Tenant, document, func(ctx context.Context, library Library, now time.Time) error {
		v, err := library.waiting(document, number, submitted)
		if err != nil {
			return err
		}
		if v.Wrote(actor) {
			return ErrOwn
		}
		v.ApprovedAt, v.ApprovedBy = now, actor.ID
		plan := Schedule{AnnounceAt: v.AnnounceAt, EffectiveAt: v.EffectiveAt, EnforceAt: v.EnforceAt, Reason: v.Reason, Typed: typed, Exempt: v.Exempt}
		return s.publish(ctx, library, now, actor, v, plan)
	})
}

// Wrote reports whether u submitted the version or was the last to change it, and so cannot approve it.
func (v Version) Wrote(u tenant.User) bool { return u.ID == v.SubmittedBy || u.ID == v.EditedBy }

// Waiting lists the versions that wait for approval.
func (l Library) Waiting() []Version {
	var all []Version
	for _, v := range l.Versions {
		if d, _ := l.Document(v.Document); !v.Published() && !v.SubmittedAt.IsZero() && !d.Retired() {
			all = append(all, v)
		}
	}
	return all
}

func cut(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most])
	}
	return s
}

// Undone reports whether err says that a version is no longer what a form takes it for.
func Undone(err error) bool {
	return errors.Is(err, ErrPublished) || errors.Is(err, ErrReview) || errors.Is(err, ErrChanged)
}
