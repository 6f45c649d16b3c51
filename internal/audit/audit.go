// Package audit is the append-only record of who did what to whom, when and from where (rules ).
//
// An event is written in the transaction of the change it tells about. It never holds a secret: names of changed
// fields, not their values.
package audit

import (
	"context"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"portico/internal/tenant"
)

// Type is the code of an event. Where Auth0 has a code for it, it is that one (rule A-1).
type Type string

// The events.
const (
	SignedIn           Type = "s"
	SignInFailed       Type = "fp"
	SignInUnknown      Type = "fu"
	SignInRefused      Type = "f"
	SignedOut          Type = "slo"
	SignedUp           Type = "ss"
	SignUpFailed       Type = "fs"
	ResetRequested     Type = "scpr"
	PasswordChanged    Type = "scp"
	PasswordFailed     Type = "fcp"
	EmailChanged       Type = "sce"
	EmailFailed        Type = "fce"
	EmailRequested     Type = "email_change_requested"
	EmailCancelled     Type = "email_change_cancelled"
	EmailUndone        Type = "email_change_undone"
	VerifyRequested    Type = "svr"
	Verified           Type = "sv"
	VerifyFailed       Type = "fv"
	LetterFailed       Type = "fn"
	AutomaticBlock     Type = "limit_wc"
	PlaceStopped       Type = "limit_mu"
	AccountRate        Type = "limit_sul"
	AutomaticUnblock   Type = "ublkdu"
	AdminWrote         Type = "sapi"
	AdminRead          Type = "admin_read"
	Blocked            Type = "blocked"
	Unblocked          Type = "unblocked"
	ProfileUpdated     Type = "profile_updated"
	MetadataUpdated    Type = "metadata_updated"
	ForbiddenField     Type = "forbidden_field_attempt"
	SessionEnded       Type = "session_ended"
	SessionsEnded      Type = "sessions_ended"
	Reauthenticated    Type = "reauthenticated"
	TermsPublished     Type = "terms_published"
	TermsWithdrawn     Type = "terms_withdrawn"
	TermsCorrected     Type = "terms_corrected"
	TermsCancelled     Type = "terms_cancelled"
	TermsRetired       Type = "terms_retired"
	TermsErased        Type = "terms_draft_deleted"
	TermsSubmitted     Type = "terms_submitted"
	TermsSentBack      Type = "terms_sent_back"
	TermsApprovalSet   Type = "terms_approval_changed"
	TermsNoticeSet     Type = "terms_notice_changed"
	TermsReminded      Type = "terms_reminded"
	TermsListed        Type = "terms_undecided_listed"
	TermsAccepted      Type = "terms_accepted"
	TermsDeclined      Type = "terms_declined"
	TermsRecorded      Type = "terms_recorded"
	ProofsExported     Type = "proofs_exported"
	TermsStaleForm     Type = "stale_form"
	ConsentGiven       Type = "consent_given"
	ConsentWithdrawn   Type = "consent_withdrawn"
	ConsentExpired     Type = "consent_expired"
	ConsentsExported   Type = "consents_exported"
	Objected           Type = "objected"
	ObjectionGone      Type = "objection_withdrawn"
	ExportRequested    Type = "export_requested"
	ExportReady        Type = "export_ready"
	ExportDownloaded   Type = "export_downloaded"
	ExportFailed       Type = "export_failed"
	ErasureRequested   Type = "erasure_requested"
	ErasureScheduled   Type = "erasure_scheduled"
	ErasureCancelled   Type = "erasure_cancelled"
	ErasureDone        Type = "erasure_done"
	RequestAnswered    Type = "request_answered"
	CaseOpened         Type = "case_opened"
	CaseExtended       Type = "case_extended"
	Restricted         Type = "restricted"
	Unrestricted       Type = "unrestricted"
	AuditExported      Type = "audit_exported"
	AdministratorAdded Type = "administrator_added"
	AdministratorGone  Type = "administrator_removed"
	SettingsChanged    Type = "settings_changed"
	LetterLanguageSet  Type = "language_changed"
	ConnectionAdded    Type = "connection_added"
	ConnectionChanged  Type = "connection_changed"
	ConnectionRemoved  Type = "connection_removed"
	Linked             Type = "linked"
	Unlinked           Type = "unlinked"
	AgeChecked         Type = "age_checked"
	AgeCleared         Type = "age_cleared"
	GuardianAsked      Type = "guardian_asked"
	GuardianApproved   Type = "guardian_approved"
	GuardianRefused    Type = "guardian_refused"
	GuardianSilent     Type = "guardian_no_answer"
)

// Types lists every event, in the order of the table above.
func Types() []Type {
	return []Type{
		SignedIn, SignInFailed, SignInUnknown, SignInRefused, SignedOut, SignedUp,
		SignUpFailed, ResetRequested, PasswordChanged, PasswordFailed, EmailChanged, EmailFailed,
		EmailRequested, EmailCancelled, EmailUndone, VerifyRequested, Verified, VerifyFailed,
		LetterFailed, AutomaticBlock, PlaceStopped, AccountRate, AutomaticUnblock, AdminWrote, AdminRead, Blocked,
		Unblocked, ProfileUpdated, MetadataUpdated, ForbiddenField, SessionEnded, SessionsEnded,
		TermsRecorded, ProofsExported,
		Reauthenticated, TermsPublished, TermsWithdrawn, TermsCorrected, TermsAccepted, TermsDeclined, TermsStaleForm, ConsentGiven, ConsentWithdrawn, ConsentsExported,
		ExportRequested, ExportReady, ExportDownloaded, ExportFailed, ErasureRequested, ErasureScheduled, ErasureCancelled, ErasureDone,
		RequestAnswered, AuditExported, AdministratorAdded, AdministratorGone,
		SettingsChanged, LetterLanguageSet,
		TermsCancelled, TermsRetired, TermsErased, TermsSubmitted, TermsSentBack, TermsApprovalSet, TermsNoticeSet, TermsReminded, TermsListed,
		ConsentExpired, Objected, ObjectionGone, CaseOpened, CaseExtended, Restricted, Unrestricted,
		ConnectionAdded, ConnectionChanged, ConnectionRemoved, Linked, Unlinked,
		AgeChecked, AgeCleared, GuardianAsked, GuardianApproved, GuardianRefused, GuardianSilent,
	}
}

// ActorKind says what kind of actor did it.
type ActorKind string

// The kinds of actor.
const (
	ByUser   ActorKind = "user"
	ByAdmin  ActorKind = "admin"
	BySystem ActorKind = "system"
	ByNobody ActorKind = "anonymous"
	// ByGuardian is the parent or guardian of somebody who is too young; who that is, is not kept.
	ByGuardian ActorKind = "guardian"
)

// Actor is who did it. ID is a user id, or empty for the system and for strangers.
type Actor struct {
	Kind ActorKind
	ID   string
}

// Origin is where a request came from. Session is a hash, never the session's id.
type Origin struct {
	IP        netip.Addr
	UserAgent string
	RequestID string
	Session   string
}

// Event is one line of the record. User is whom it concerns (its Tenant is always set), Fields the names of what
// changed, Detail a few words more: keys and values chosen by us, never what a person typed in secret.
type Event struct {
	ID     string
	At     time.Time
	Type   Type
	Actor  Actor
	User   tenant.User
	Origin Origin
	Fields []string
	Detail map[string]string
}

// Store is what this package needs of persistence.
type Store interface {
	AppendEvent(ctx context.Context, e Event) error
	SearchEvents(ctx context.Context, t tenant.ID, f Filter) ([]Event, error)
}

// Filter narrows a search. Zero fields do not narrow. Before is the id of an event: the search goes on with older ones.
type Filter struct {
	User   string
	Actor  string
	Types  []Type
	Since  time.Time
	Until  time.Time
	Before string
	After  string
	Limit  int
}

// Log records events and finds them again.
type Log struct {
	store Store
	now   func() time.Time
}

// New returns the record kept in store.
func New(store Store, now func() time.Time) *Log { return &Log{store, now} }

// Record appends e, in the transaction of ctx when there is one. Where it came from and, unless e says so, who did
// it are taken from ctx.
func (l *Log) Record(ctx context.Context, e Event) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	e.ID, e.At = id.String(), l.now()
	e.Origin = OriginOf(ctx)
	if e.Actor.Kind == "" {
		e.Actor = ActorOf(ctx)
	}
	return l.store.AppendEvent(ctx, e)
}

// Search returns events of a tenant, newest first, at most f.Limit.
func (l *Log) Search(ctx context.Context, t tenant.ID, f Filter) ([]Event, error) {
	return l.store.SearchEvents(ctx, t, f)
}

type originKey struct{}

type actorKey struct{}

// WithOrigin returns a context whose events come from o.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf returns where the work of ctx comes from; the zero Origin means the system itself.
func OriginOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}

// WithActor returns a context whose events are done by a.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf returns who does the work of ctx.
func ActorOf(ctx context.Context) Actor {
	if a, ok := ctx.Value(actorKey{}).(Actor); ok {
		return a
	}
	if OriginOf(ctx).IP.IsValid() {
		return Actor{Kind: ByNobody}
	}
	return Actor{Kind: BySystem}
}
