package mail

import (
	"context"
	"errors"

	"portico/internal/tenant"
)

// ErrNoLetter says that this tenant has no such letter.
var ErrNoLetter = errors.New("no such letter")

// Shelf is what the office needs of persistence.
type Shelf interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	FindLetter(ctx context.Context, t tenant.ID, id string) (Entry, error)
	SearchLetters(ctx context.Context, t tenant.ID, state State, after string, limit int) ([]Entry, error)
	RetryLetter(ctx context.Context, t tenant.ID, id string) (bool, error)
}

// Office tells administrators what has become of letters. What a letter speaks of is never shown.
type Office struct {
	shelf Shelf
	wake  func()
}

// NewOffice returns the office of the letters on shelf. wake is called when a letter is to be tried again.
func NewOffice(shelf Shelf, wake func()) *Office { return &Office{shelf, wake} }

// Search finds letters of a tenant, newest first, at most limit: those in state, or all when it is empty, older than
// the letter whose id is after.
func (o *Office) Search(ctx context.Context, t tenant.ID, state State, after string, limit int) ([]Entry, error) {
	return o.shelf.SearchLetters(ctx, t, state, after, limit)
}

// Retry makes a letter that was given up due again; record notes it in the same transaction. It returns ErrNoLetter
// when there is no such letter, or it was not given up.
func (o *Office) Retry(ctx context.Context, t tenant.ID, id string, record func(ctx context.Context, e Entry) error) error {
	err := o.shelf.InTx(ctx, func(ctx context.Context) error {
		entry, err := o.shelf.FindLetter(ctx, t, id)
		if err != nil {
			return err
		}
		switch ok, err := o.shelf.RetryLetter(ctx, t, id); {
		case err != nil:
			return err
		case !ok:
			return ErrNoLetter
		}
		return record(ctx, entry)
	})
	if err == nil && o.wake != nil {
		o.wake()
	}
	return err
}
