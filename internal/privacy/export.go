package privacy

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"portico/internal/audit"
	"portico/internal/i18n"
	"portico/internal/idp"
	"portico/internal/keys"
	"portico/internal/ledger"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/retention"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// Layer is one of the two files in which people get what is kept about them (EDPB Guidelines 01/2022, the layered answer):
// each is made at once, and none has to be asked for by way of the other.
//
// MyData is what somebody gave, agreed to, asked for and was told about themselves: profile, metadata, sign-in methods,
// consents, the texts they accepted, requests, the reasons of administrators, and how their data is processed.
// TechnicalRecords is what their use left behind: sessions, activity, messages, what identity providers sent, links and
// codes, and the entries of the ledger with their receipts.
type Layer string

// The layers.
const (
	MyData           Layer = "data"
	TechnicalRecords Layer = "records"
)

// ExportState says how far a file is.
type ExportState string

// The states of a file. One that is ready and older than ExportLifetime is expired: its content is gone.
const (
	ExportWaiting   ExportState = "waiting"
	ExportPreparing ExportState = "preparing"
	ExportReady     ExportState = "ready"
	ExportFailed    ExportState = "failed"
)

// Limits of files (terms.md section 3, ASVS 2.4.1).
const (
	ExportLifetime = 24 * time.Hour
	ExportsADay    = 3
)

// Errors about files.
var (
	ErrExportBusy  = errors.New("another file is being prepared")
	ErrExportLimit = errors.New("no more files today")
	ErrNoExport    = errors.New("no such file, or no longer")
	ErrExportLost  = errors.New("somebody else prepares the file by now")
)

// Export is a file with what is kept about somebody. Done of Total parts are written. Size is in bytes, in so many Chunks.
type Export struct {
	ID        string
	User      tenant.User
	Layer     Layer
	State     ExportState
	Language  string
	IP        string
	UserAgent string
	AskedAt   time.Time
	Claim     string
	Attempts  int
	Done      int
	Total     int
	Chunks    int
	Size      int64
	ReadyAt   time.Time
	ExpiresAt time.Time
}

// Underway reports whether the file is still to be made.
func (e Export) Underway() bool { return e.State == ExportWaiting || e.State == ExportPreparing }

// Downloadable reports whether the file can be had at now.
func (e Export) Downloadable(now time.Time) bool {
	return e.State == ExportReady && now.Before(e.ExpiresAt)
}

// ExportStore is what files need of persistence.
type ExportStore interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	LockProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
	FindProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
	PreviousAddresses(ctx context.Context, u tenant.User, now time.Time) ([]string, error)
	Identities(ctx context.Context, u tenant.User) ([]idp.Linked, error)
	Connections(ctx context.Context, t tenant.ID) ([]idp.Connection, error)
	Party(ctx context.Context, u tenant.User) (terms.Party, error)
	Consents(ctx context.Context, u tenant.User) ([]terms.Choice, error)
	// FindPresentation returns a screen on which an assent was given, or nothing.
	FindPresentation(ctx context.Context, t tenant.ID, sha string) (string, error)
	// Records returns a page of what is kept of a kind about u, after the row called after, and the name of its last row.
	Records(ctx context.Context, u tenant.User, kind RecordKind, after string, limit int) ([]Record, string, error)

	AddExport(ctx context.Context, e Export) error
	// Exports lists the files of u, newest first.
	Exports(ctx context.Context, u tenant.User) ([]Export, error)
	// ClaimExport takes a file that is to be made, of tenant t or, when that is empty, of any: it is the caller's until d
	// has passed. Without one it returns ErrNoExport.
	ClaimExport(ctx context.Context, t tenant.ID, claim string, d time.Duration) (Export, error)
	// KeepExport writes how far a claimed file is and prolongs the claim by d, or returns ErrExportLost.
	KeepExport(ctx context.Context, e Export, d time.Duration) error
	// EndExport writes what became of a claimed file: its state, size and times. It returns ErrExportLost.
	EndExport(ctx context.Context, e Export, wait time.Duration) error
	AddChunk(ctx context.Context, e Export, number int, sealed []byte, now time.Time) error
	Chunk(ctx context.Context, e Export, number int) ([]byte, error)
	// DropChunks removes the content of a file.
	DropChunks(ctx context.Context, e Export) error
}

// ExportConfig is what the making of files needs. Tenants finds a file's tenant, Library its documents, Periods how long it keeps what,
// Write puts a page that people read into HTML. Only, when set, is the one tenant whose files are made.
type ExportConfig struct {
	Store   ExportStore
	Ring    keys.Ring
	Tenants func(ctx context.Context, id tenant.ID) (tenant.Tenant, error)
	Library func(ctx context.Context, t tenant.ID) (terms.Library, time.Time, error)
	Ledger  *ledger.Service
	Periods func(ctx context.Context, t tenant.ID) ([]retention.Row, error)
	Write   PageWriter
	Outbox  *mail.Outbox
	Audit   *audit.Log
	Log     *slog.Logger
	Now     func() time.Time
	Only    tenant.ID
}

// Exports makes files with what is kept about people. Any number may run, in any number of processes.
type Exports struct {
	ExportConfig
	wake chan struct{}
}

// NewExports returns the service; Run makes it work.
func NewExports(c ExportConfig) *Exports { return &Exports{c, make(chan struct{}, 1)} }

// List returns the files of u, newest first.
func (s *Exports) List(ctx context.Context, u tenant.User) ([]Export, error) {
	return s.Store.Exports(ctx, u)
}

// Ask has a file made for u, in the language of ctx. While the same file is being made, asking again changes nothing. It returns
// ErrExportBusy while the other one is, and ErrExportLimit after ExportsADay files in 24 hours; those that failed do not count.
func (s *Exports) Ask(ctx context.Context, u tenant.User, layer Layer) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	origin, now := audit.OriginOf(ctx), s.Now()
	e := Export{
		ID: id.String(), User: u, Layer: layer, State: ExportWaiting, Language: i18n.Current(ctx).Tag, UserAgent: origin.UserAgent, AskedAt: now,
	}
	if origin.IP.IsValid() {
		e.IP = origin.IP.String()
	}
	err = s.Store.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.Store.LockProfile(ctx, u); err != nil { // one request at a time
			return err
		}
		all, err := s.Store.Exports(ctx, u)
		if err != nil {
			return err
		}
		if asked, err := admit(all, layer, now); asked || err != nil {
			return err
		}
		if err := s.Store.AddExport(ctx, e); err != nil {
			return err
		}
		return s.Audit.Record(ctx, audit.Event{Type: audit.ExportRequested, User: u, Fields: []string{string(layer)}})
	})
	if err == nil {
		s.Wake()
	}
	return err
}

// admit reports whether the file was asked for already, and else whether it may be.
func admit(all []Export, layer Layer, now time.Time) (asked bool, err error) {
	today := 0
	for _, e := range all {
		switch {
		case e.Underway() && e.Layer == layer:
			return true, nil
		case e.Underway():
			return false, ErrExportBusy
		case e.State != ExportFailed && now.Sub(e.AskedAt) < ExportLifetime:
			today++
		}
	}
	if today >= ExportsADay {
		return false, ErrExportLimit
	}
	return false, nil
}
