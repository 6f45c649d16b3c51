package store

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"gorm.io/gorm"

	"portico/internal/profile"
	"portico/internal/tenant"
)

type userRow struct {
	TenantID          string
	UserID            string
	Version           int64
	Connection        string
	Email             string
	EmailKey          *string
	EmailVerified     bool
	Proven            bool // an address of theirs was proven once
	WarnedAt          *time.Time
	Username          *string
	Name              string
	GivenName         string
	FamilyName        string
	Nickname          string
	Picture           string
	PhoneNumber       string
	PhoneVerified     bool
	UserMetadata      string
	AppMetadata       string
	Role              string
	Blocked           bool
	BlockedAt         *time.Time
	BlockedUntil      *time.Time
	BlockedBy         string
	BlockReason       string
	BlockMessage      string
	Restricted        bool
	RestrictedAt      *time.Time
	RestrictedBy      string
	RestrictionReason string
	AgeState          string // what app_metadata says, for the statement that finds sessions
	CreatedAt         time.Time
	UpdatedAt         time.Time
	EditedAt          time.Time
	LastLogin         *time.Time
	LastIP            string
	LoginsCount       int64
	LastPasswordReset *time.Time
}

func (userRow) TableName() string { return "users" }

func userRowOf(p profile.Profile) userRow {
	row := userRow{
		TenantID: string(p.User.Tenant), UserID: p.User.ID, Version: p.Version, Connection: p.Connection, Email: p.Email,
		EmailKey: optional(profile.EmailKey(p.Email)), EmailVerified: p.EmailVerified, Proven: p.EmailVerified, Username: optional(p.Username), Name: p.Name,
		GivenName: p.GivenName, FamilyName: p.FamilyName, Nickname: p.Nickname, Picture: p.Picture, PhoneNumber: p.PhoneNumber,
		PhoneVerified: p.PhoneVerified, UserMetadata: string(p.UserMetadata.JSON()), AppMetadata: string(p.AppMetadata.JSON()),
		Role: p.Role, Blocked: p.Block.Blocked, BlockedAt: orNull(p.Block.At), BlockedUntil: orNull(p.Block.Until),
		BlockedBy: p.Block.By, BlockReason: p.Block.Reason, BlockMessage: p.Block.Message, CreatedAt: p.CreatedAt,
		UpdatedAt: p.UpdatedAt, EditedAt: p.EditedAt, LastLogin: orNull(p.LastLogin), LastIP: p.LastIP, LoginsCount: p.LoginsCount,
		LastPasswordReset: orNull(p.LastPasswordReset), Restricted: p.Restriction.On, RestrictedAt: orNull(p.Restriction.At),
		RestrictedBy: p.Restriction.By, RestrictionReason: p.Restriction.Reason,
		AgeState: string(p.Age()),
	}
	return row
}

func (r userRow) profile() profile.Profile {
	p := profile.Profile{
		User: tenant.User{Tenant: tenant.ID(r.TenantID), ID: r.UserID}, Version: r.Version, Connection: r.Connection, Email: r.Email,
		EmailVerified: r.EmailVerified, Name: r.Name, GivenName: r.GivenName, FamilyName: r.FamilyName, Nickname: r.Nickname,
		Picture: r.Picture, PhoneNumber: r.PhoneNumber, PhoneVerified: r.PhoneVerified, Role: r.Role,
		Block: profile.Block{
			Blocked: r.Blocked, At: orZero(r.BlockedAt), Until: orZero(r.BlockedUntil), By: r.BlockedBy, Reason: r.BlockReason,
			Message: r.BlockMessage,
		},
		Restriction: profile.Restriction{
			On: r.Restricted, At: orZero(r.RestrictedAt), By: r.RestrictedBy, Reason: r.RestrictionReason,
		},
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), EditedAt: r.EditedAt.UTC(), LastLogin: orZero(r.LastLogin),
		LastIP: r.LastIP, LoginsCount: r.LoginsCount, LastPasswordReset: orZero(r.LastPasswordReset),
	}
	if r.Username != nil {
		p.Username = *r.Username
	}
	_ = json.Unmarshal([]byte(r.UserMetadata), &p.UserMetadata)
	_ = json.Unmarshal([]byte(r.AppMetadata), &p.AppMetadata)
	return p
}

// AddProfile stores a new profile. It returns profile.ErrTaken when its address or username is taken.
func (db *DB) AddProfile(ctx context.Context, p profile.Profile) error {
	row := userRowOf(p)
	if err := db.db(ctx).Create(&row).Error; err != nil {
		if duplicate(err) {
			return profile.ErrTaken
		}
		return err
	}
	return errors.Join(db.saveWords(ctx, p, nil), db.saveFacets(ctx, p, nil))
}

func profileOr(row userRow, err error) (profile.Profile, error) {
	if errors.Is(found(err), ErrNotFound) {
		return profile.Profile{}, profile.ErrNotFound
	}
	if err != nil {
		return profile.Profile{}, err
	}
	return row.profile(), nil
}

// FindProfile returns the profile of u, or profile.ErrNotFound.
func (db *DB) FindProfile(ctx context.Context, u tenant.User) (profile.Profile, error) {
	return db.managedOr(ctx, db.often(ctx), u)
}

func (db *DB) managedOr(ctx context.Context, query *gorm.DB, u tenant.User) (profile.Profile, error) {
	var row userRow
	err := query.Where("tenant_id = ? AND user_id = ?", string(u.Tenant), u.ID).Take(&row).Error
	p, err := profileOr(row, err)
	if err != nil || p.Connection == profile.Database {
		return p, err
	}
	err = db.manage(ctx, &p)
	return p, err
}

// LockProfile is FindProfile, and keeps others from changing the profile until the transaction ends.
func (db *DB) LockProfile(ctx context.Context, u tenant.User) (profile.Profile, error) {
	return db.managedOr(ctx, db.forUpdate(db.db(ctx)), u)
}

// FindByEmail returns the profile whose password we keep that has this address, or profile.ErrNotFound.
func (db *DB) FindByEmail(ctx context.Context, t tenant.ID, email string) (profile.Profile, error) {
	var row userRow
	err := db.db(ctx).Where("tenant_id = ? AND connection = ? AND email_key = ?", string(t), profile.Database,
		profile.EmailKey(email)).Take(&row).Error
	return profileOr(row, err)
}

func (db *DB) saveColumns(ctx context.Context, p profile.Profile, columns ...string) error {
	row := userRowOf(p)
	if slices.Contains(columns, "email_verified") { // whoever was told to prove an address is told anew of another one
		columns = append(columns, "warned_at")
		if row.Proven {
			columns = append(columns, "proven") // and stays so
		}
	}
	err := db.db(ctx).Model(&row).Where("tenant_id = ? AND user_id = ?", row.TenantID, row.UserID).
		Select(columns).UpdateColumns(&row).Error
	if duplicate(err) {
		return profile.ErrTaken
	}
	return err
}

// SaveEdit writes what people may change about themselves, and nothing else, over the profile that was locked before. It
// returns profile.ErrTaken when somebody else has the username.
func (db *DB) SaveEdit(ctx context.Context, before, p profile.Profile) error {
	err := db.saveColumns(ctx, p, "version", "name", "given_name", "family_name", "nickname", "username", "phone_number",
		"phone_verified", "user_metadata", "updated_at", "edited_at")
	if err != nil {
		return err
	}
	return errors.Join(db.saveWords(ctx, p, &before), db.saveFacets(ctx, p, before.Facets()))
}

// SaveEmail writes the address of a profile. It returns profile.ErrTaken when somebody else has it.
func (db *DB) SaveEmail(ctx context.Context, p profile.Profile) error {
	before, err := db.FindProfile(ctx, p.User)
	if err != nil {
		return err
	}
	if err := db.saveColumns(ctx, p, "version", "email", "email_key", "email_verified", "updated_at", "edited_at"); err != nil {
		return err
	}
	return db.saveWords(ctx, p, &before)
}

// SaveLogin notes a sign-in.
func (db *DB) SaveLogin(ctx context.Context, u tenant.User, at time.Time, ip string) error {
	return db.db(ctx).Exec(`UPDATE users SET last_login = ?, last_ip = ?, logins_count = logins_count + 1, updated_at = ?
		WHERE tenant_id = ? AND user_id = ?`, at, ip, at, string(u.Tenant), u.ID).Error
}

type wordRow struct {
	TenantID string
	Word     string
	UserID   string
}

func (wordRow) TableName() string { return "user_words" }

// maxWord is the longest beginning of a word that a search can tell apart, in characters.
const maxWord = 64

// words are what an administrator finds a person by, from its beginning: each word of the names, the address, and the id.
func words(p profile.Profile) []string {
	all := []string{fold(p.Email), fold(p.User.ID), fold(p.Username), fold(p.Name)}
	for _, name := range []string{p.Name, p.GivenName, p.FamilyName, p.Nickname} {
		all = append(all, strings.FieldsFunc(fold(name), func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsNumber(r)
		})...)
	}
	all = slices.DeleteFunc(all, func(word string) bool { return word == "" })
	slices.Sort(all)
	return slices.Compact(all)
}

// fold takes case and accents away, and what is over the length of a word.
func fold(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range norm.NFKD.String(strings.TrimSpace(s)) {
		if unicode.Is(unicode.Mn, r) {
			continue
		}
		if n++; n > maxWord {
			break
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// saveWords brings the words of a profile up to date; before is what it was, or nil for a new one.
func (db *DB) saveWords(ctx context.Context, p profile.Profile, before *profile.Profile) error {
	wanted, had := words(p), []string(nil)
	if before != nil {
		had = words(*before)
	}
	gone := slices.DeleteFunc(slices.Clone(had), func(word string) bool { return slices.Contains(wanted, word) })
	if len(gone) > 0 {
		err := db.db(ctx).Where("tenant_id = ? AND user_id = ? AND word IN ?", string(p.User.Tenant), p.User.ID, gone).
			Delete(&wordRow{}).Error
		if err != nil {
			return err
		}
	}
	var rows []wordRow
	for _, word := range wanted {
		if !slices.Contains(had, word) {
			rows = append(rows, wordRow{string(p.User.Tenant), word, p.User.ID})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return db.db(ctx).Create(&rows).Error
}

// SaveRole writes the role of u.
func (db *DB) SaveRole(ctx context.Context, u tenant.User, role string) error {
	return db.db(ctx).Exec("UPDATE users SET role = ?, version = version + 1 WHERE tenant_id = ? AND user_id = ?",
		role, string(u.Tenant), u.ID).Error
}
