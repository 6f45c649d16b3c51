package privacy

import (
	"encoding/json"
	"errors"
	"io"
	"strings"

	"portico/internal/audit"
	"portico/internal/browser"
	"portico/internal/i18n"
	"portico/internal/ledger"
)

// technical are the parts of TechnicalRecords.
func (c *composer) technical() []func() error {
	return []func() error{c.sessions, c.activity, c.messages, c.sent, c.providers, c.decisions, c.receipts, c.earlierFiles}
}

// sessions writes where the person is signed in, since when which devices are known, failed tries that still count, and when which
// terms were shown to them.
func (c *composer) sessions() error {
	content := map[string][]Record{}
	for name, kind := range map[string]RecordKind{"sessions": Sessions, "devices": Devices, "failed_tries": Attempts, "terms_shown": Notices} {
		rows, err := c.all(kind)
		if err != nil {
			return err
		}
		content[name] = rows
	}
	s := Section{Title: i18n.T(c.ctx, "export.s.sessions"), Head: c.head("since", "seen", "browser", "ip")}
	for _, r := range content["sessions"] {
		s.Rows = append(s.Rows, []string{
			c.when(r.time("created_at")), c.when(r.time("seen_at")), browser.Name(r.text("user_agent")), r.text("ip"),
		})
	}
	c.show(s)
	return c.addJSON("sessions.json", content)
}

// elsewhere takes out of an event who among others did it, from where, and why: the latter is in notes.json of the other
// layer. Where an administrator or a job was is not the person's to know (security.md row 68).
func (c *composer) elsewhere(r Record) {
	switch audit.ActorKind(r.text("actor_kind")) {
	case audit.ByAdmin, audit.BySystem:
		if r.text("actor_id") != c.e.User.ID {
			for _, name := range []string{"actor_id", "ip", "user_agent", "request_id"} {
				r.set(name, "")
			}
		}
	}
	var detail map[string]any
	if json.Unmarshal([]byte(r.text("detail")), &detail) == nil {
		delete(detail, "reason")
		content, _ := json.Marshal(detail)
		r.set("detail", json.RawMessage(content))
	}
}

// activity writes what happened to the account.
func (c *composer) activity() error {
	s := Section{Title: i18n.T(c.ctx, "export.s.activity"), Head: c.head("time", "what", "by", "browser", "ip")}
	rows, more, err := c.lines("activity.jsonl", Activity, c.elsewhere, func(r Record) []string {
		return []string{
			c.when(r.time("at")), i18n.T(c.ctx, "event."+r.text("type")), i18n.T(c.ctx, "actor."+r.text("actor_kind")),
			browser.Name(r.text("user_agent")), r.text("ip"),
		}
	})
	s.Rows, s.Text = rows, c.more(more, "activity.jsonl")
	c.show(s)
	return err
}

// messages writes which letters were sent, when and where to; what they said is erased once they are sent.
func (c *composer) messages() error {
	s := Section{Title: i18n.T(c.ctx, "export.s.messages"), Head: c.head("time", "what", "address", "language")}
	rows, more, err := c.lines("messages.jsonl", Messages, nil, func(r Record) []string {
		language := r.text("language")
		if l, ok := i18n.Find(language); ok {
			language = l.Name
		}
		return []string{c.when(r.time("queued_at")), c.about(r.text("kind")), r.text("to_address"), language}
	})
	s.Rows, s.Text = rows, c.more(more, "messages.jsonl")
	c.show(s)
	return err
}

// about says what a letter was about: its subject, with dots for what it spoke of, which is erased.
func (c *composer) about(kind string) string {
	return i18n.T(c.ctx, "mail."+kind+".subject", "product", c.t.Product, "document", "…", "version", "…", "provider", "…")
}

// sent writes which links and codes were made, without what would make them work.
func (c *composer) sent() error {
	s := Section{Title: i18n.T(c.ctx, "export.s.links"), Head: c.head("time", "address", "until", "used")}
	rows, more, err := c.lines("links.jsonl", Tickets, nil, func(r Record) []string {
		return []string{c.when(r.time("created_at")), r.text("address"), c.when(r.time("expires_at")), c.when(r.time("used_at"))}
	})
	s.Rows, s.Text = rows, c.more(more, "links.jsonl")
	c.show(s)
	return err
}

// providers writes all that identity providers said, as they said it (profileData), and what was left out of it.
func (c *composer) providers() error {
	linked, err := c.s.Store.Identities(c.ctx, c.e.User)
	if err != nil {
		return err
	}
	s, content := Section{Title: i18n.T(c.ctx, "export.s.identities"), Head: c.head("provider", "since", "seen")}, []any{}
	for _, l := range linked {
		s.Rows = append(s.Rows, []string{l.Connection, c.when(l.CreatedAt), c.when(l.SeenAt)})
		content = append(content, map[string]any{
			"connection": l.Connection, "main": l.Main, "created_at": l.CreatedAt, "seen_at": l.SeenAt, "identity": l.Identity,
		})
	}
	c.show(s)
	return c.addJSON("identities.json", content)
}

// decisions writes the person's entries of the ledger: with payload and salt they open what the tree commits to.
func (c *composer) decisions() error {
	s := Section{Title: i18n.T(c.ctx, "export.s.decisions"), Head: c.head("time", "document", "version", "what")}
	rows, more, err := c.lines("ledger.jsonl", Decisions, nil, func(r Record) []string {
		return []string{c.when(r.time("occurred_at")), r.text("document"), number(r, "number"), i18n.T(c.ctx, "assent."+r.text("type"))}
	})
	s.Rows, s.Text = rows, c.more(more, "ledger.jsonl")
	c.show(s)
	return err
}

// receipts writes the proof of each decision and, to check them by, the public key and the newest checkpoint.
func (c *composer) receipts() error {
	if err := c.s.Ledger.SequenceTenant(c.ctx, c.t); err != nil { // what was decided a moment ago has its place
		return err
	}
	err := c.each(Decisions, func(r Record) error {
		receipt, err := c.s.Ledger.Receipt(c.ctx, c.e.User, r.text("event_id"))
		if errors.Is(err, ledger.ErrNone) || errors.Is(err, ledger.ErrWaiting) {
			return nil
		}
		if err != nil {
			return err
		}
		return c.addText("receipts/"+nameOf(r.text("event_id"))+".tlog-proof", receipt)
	})
	if err != nil {
		return err
	}
	for name, text := range map[string]func() (string, error){
		"receipts/ledger.key": func() (string, error) { return c.s.Ledger.Key(c.ctx, c.t.ID) },
		"receipts/checkpoint": func() (string, error) { return c.s.Ledger.Checkpoint(c.ctx, c.t.ID) },
	} {
		said, err := text()
		if errors.Is(err, ledger.ErrNone) {
			continue
		}
		if err != nil {
			return err
		}
		if err := c.addText(name, strings.TrimRight(said, "\n")+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// earlierFiles writes which files like this one were made.
func (c *composer) earlierFiles() error {
	_, _, err := c.lines("exports.jsonl", Files, nil, func(Record) []string { return nil })
	return err
}

// notes writes what administrators gave as reasons, and said, about the person. Who said it is left out, and so is every
// address and id of somebody else that they mention.
func (c *composer) notes() error {
	s := Section{Title: i18n.T(c.ctx, "export.s.notes"), Head: c.head("time", "what", "reason")}
	err := c.add("notes.json", func(w io.Writer) error {
		notes, blocked := []Record{}, false
		err := c.each(Activity, func(r Record) error {
			var detail map[string]any
			_ = json.Unmarshal([]byte(r.text("detail")), &detail)
			if reason, _ := detail["reason"].(string); reason != "" {
				blocked = blocked || reason == c.p.Block.Reason
				notes = append(notes, Record{{"at", r.time("at")}, {"about", r.text("type")}, {"reason", c.masked(reason)}})
			}
			return nil
		})
		if err != nil {
			return err
		}
		if b := c.p.Block; b.Reason != "" && !blocked { // one that is older than the record
			notes = append(notes, Record{{"at", b.At.UTC()}, {"about", string(audit.Blocked)}, {"reason", c.masked(b.Reason)}})
		}
		for _, n := range notes {
			s.Rows = append(s.Rows, []string{c.when(n.time("at")), i18n.T(c.ctx, "event."+n.text("about")), n.text("reason")})
		}
		encoder := plainJSON(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(notes)
	})
	c.show(s)
	return err
}
