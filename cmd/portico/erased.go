package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"portico/internal/mail"
	"portico/internal/privacy"
	"portico/internal/tenant"
)

// errReplaying says that this process does not serve yet: a backup may have brought people back who were erased.
var errReplaying = errors.New("erasures are being replayed")

// beside forgets what is kept of a person outside of the database: the letters that the demonstration shows.
func beside(box *mail.Mailbox) func(context.Context, tenant.User, []string) error {
	return func(_ context.Context, u tenant.User, addresses []string) error {
		if box != nil {
			box.Forget(u.Tenant, addresses)
		}
		return nil
	}
}

// erasedList is a file that remembers erasures outside of the database, one a line, so that restoring a backup does not
// bring anybody back. Replicas may share one or have one each. Without a path there is none.
type erasedList string

// read returns what the file remembers. A line that was cut off when a process died is not one yet.
func (l erasedList) read() ([]privacy.Subject, error) {
	if l == "" {
		return nil, nil
	}
	content, err := os.ReadFile(string(l))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return readErased(bytes.NewReader(content))
}

func readErased(from io.Reader) ([]privacy.Subject, error) {
	var all []privacy.Subject
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		var one privacy.Subject
		if json.Unmarshal(lines.Bytes(), &one) == nil && one.MAC != "" && one.Tenant != "" {
			all = append(all, one)
		}
	}
	return all, lines.Err()
}

func writeErased(to io.Writer, subjects []privacy.Subject) error {
	for _, one := range subjects {
		line, err := json.Marshal(one)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(to, "%s\n", line); err != nil {
			return err
		}
	}
	return nil
}

// add writes subjects at the end of the file, each line with one write.
func (l erasedList) add(subjects []privacy.Subject) error {
	if l == "" || len(subjects) == 0 {
		return nil
	}
	file, err := os.OpenFile(string(l), os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	last := make([]byte, 1)
	if info, err := file.Stat(); err == nil && info.Size() > 0 {
		if _, err := file.ReadAt(last, info.Size()-1); err == nil && last[0] != '\n' {
			_, _ = file.WriteString("\n") // after a line that was cut off
		}
	}
	return errors.Join(writeErased(file, subjects), file.Sync(), file.Close())
}

// everywhere are the tenants whose people this process takes care of.
func (p *portal) everywhere(ctx context.Context) ([]tenant.ID, error) {
	if p.only != "" {
		return []tenant.ID{p.only}, nil
	}
	return p.tenants.IDs(ctx)
}

// remember brings the list outside of the database and the one inside together: each takes in what only the other has.
func (p *portal) remember(ctx context.Context, tenants []tenant.ID) error {
	if p.erased == "" {
		return nil
	}
	outside, err := p.erased.read()
	if err != nil {
		return fmt.Errorf("list of erasures: %w", err)
	}
	inside, err := p.config.Closings.Known(ctx, tenants)
	if err != nil {
		return err
	}
	if err := p.config.Closings.Learn(ctx, without(outside, inside)); err != nil {
		return err
	}
	return p.erased.add(without(inside, outside))
}

// without are those of all that are not among known.
func without(all, known []privacy.Subject) (rest []privacy.Subject) {
	type key struct {
		t   tenant.ID
		mac string
	}
	among := make(map[key]bool, len(known))
	for _, one := range known {
		among[key{one.Tenant, one.MAC}] = true
	}
	for _, one := range all {
		if !among[key{one.Tenant, one.MAC}] {
			rest = append(rest, one)
		}
	}
	return rest
}

// replayOnce erases again whoever came back with a backup.
func (p *portal) replayOnce(ctx context.Context) error {
	tenants, err := p.everywhere(ctx)
	if err != nil {
		return err
	}
	if err := p.remember(ctx, tenants); err != nil {
		return err
	}
	again, err := p.config.Closings.Replay(ctx, tenants, p.tenants.ByID)
	if again > 0 {
		p.log.Warn("people who came back with a backup were erased again", "count", again)
	}
	return err
}

// replay does so until it succeeds; this process is not ready before.
func (p *portal) replay(ctx context.Context) {
	for {
		err := p.replayOnce(ctx)
		if err == nil {
			p.replaying.Store(false)
			return
		}
		if ctx.Err() == nil {
			p.log.Error("replay of erasures", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

// erase erases accounts whose days of grace are over.
func (p *portal) erase(ctx context.Context) error {
	if p.replaying.Load() { // somebody who is back would be told again
		return nil
	}
	tenants, err := p.everywhere(ctx)
	if err != nil {
		return err
	}
	return errors.Join(p.config.Closings.EraseDue(ctx, tenants, p.tenants.ByID), p.remember(ctx, tenants))
}

func (p *portal) ready(ctx context.Context) error {
	if p.replaying.Load() {
		return errReplaying
	}
	return p.db.Ping(ctx)
}

type erasedCommand struct {
	List erasedListCommand `cmd:"" help:"Print who was erased, to be kept outside of the database: marks that name nobody."`
	Add  erasedAddCommand  `cmd:"" help:"Read such a list from standard input, after a backup was restored and before it is served."`
}

type erasedListCommand struct{ database }

// Run prints the list.
func (c *erasedListCommand) Run(ctx context.Context) error {
	db, err := openMigrated(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	tenants, err := tenant.NewDirectory(db, "", now).IDs(ctx)
	if err != nil {
		return err
	}
	for _, t := range tenants {
		erased, err := db.Erased(ctx, t)
		if err == nil {
			err = writeErased(os.Stdout, erased)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

type erasedAddCommand struct{ database }

// Run takes the list in. Whoever is on it and in the database is erased when a process starts to serve.
func (c *erasedAddCommand) Run(ctx context.Context) error {
	db, err := openMigrated(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	erased, err := readErased(os.Stdin)
	if err != nil {
		return err
	}
	if err := db.AddErased(ctx, erased); err != nil {
		return err
	}
	fmt.Printf("%d erasures are known. They are replayed when the portal starts.\n", len(erased))
	return nil
}
