package main

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/mod/sumdb/note"

	"portico/internal/audit"
	"portico/internal/keys"
	"portico/internal/ledger"
	"portico/internal/mail"
	"portico/internal/privacy"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// contents are the parts of an archive by their names.
func contents(t *testing.T, archive string) map[string]string {
	t.Helper()
	reader, err := zip.NewReader(strings.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for _, f := range reader.File {
		opened, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(opened)
		if err != nil {
			t.Fatal(err)
		}
		parts[f.Name] = string(content)
	}
	return parts
}

// ask has a file made.
func (v *visitor) ask(layer privacy.Layer) page {
	v.t.Helper()
	return v.send(v.get("/account/data"), "/account/data/export", map[string]string{"layer": string(layer)})
}

// work makes every file that was asked for.
func (w *world) work(t *testing.T) {
	t.Helper()
	for {
		worked, err := w.portal.config.Exports.Work(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !worked {
			return
		}
	}
}

var fileLink = regexp.MustCompile(`href="(/account/data/exports/[^"]+)"`)

// file has a file made, and returns its address and its parts.
func (v *visitor) file(layer privacy.Layer) (string, map[string]string) {
	v.t.Helper()
	v.want(v.ask(layer), http.StatusOK, "/account/data", "We are preparing your file")
	v.world.work(v.t)
	return v.offered(layer)
}

// offered is the file that the page offers.
func (v *visitor) offered(layer privacy.Layer) (string, map[string]string) {
	v.t.Helper()
	p := v.want(v.get("/account/data"), http.StatusOK, "/account/data", "Your file is ready until")
	for _, found := range fileLink.FindAllStringSubmatch(p.body, -1) {
		got := v.get(found[1])
		if got.status != http.StatusOK {
			v.t.Fatalf("got %d, want the file", got.status)
		}
		if strings.Contains(got.header.Get("Content-Disposition"), string(layer)+"-") {
			return found[1], contents(v.t, got.body)
		}
	}
	v.t.Fatalf("no file %s", layer)
	return "", nil
}

// happened counts what happened to ana's account.
func (w *world) happened(t *testing.T, what audit.Type) int {
	t.Helper()
	events, err := w.DB.SearchEvents(context.WithoutCancel(t.Context()), w.Tenant.ID, audit.Filter{User: w.user(t, anaAddress).ID, Types: []audit.Type{what}, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return len(events)
}

func TestPeopleDownloadTheirData(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.member(t)
		before := ana.want(ana.get("/account/data"), http.StatusOK, "/account/data", "Prepare technical records")
		if strings.Contains(before.body, "<progress") || strings.Contains(before.body, `http-equiv="refresh"`) {
			t.Error("a page that waits for nothing reloads")
		}
		ana.want(ana.ask(privacy.MyData), http.StatusOK, "/account/data", "We are preparing your file")
		ana.want(ana.ask(privacy.MyData), http.StatusOK, "/account/data", "We are preparing your file")
		waiting := ana.want(ana.get("/account/data"), http.StatusOK, "/account/data", "You can leave; we will email you")
		if !strings.Contains(waiting.body, `<noscript><meta http-equiv="refresh" content="5; url=/account/data"></noscript>`) || !strings.Contains(waiting.body, "<progress") {
			t.Error("got a page without progress, or one that reloads by itself for readers with scripts")
		}
		ana.want(ana.ask(privacy.TechnicalRecords), http.StatusConflict, "/account/data/export", "We prepare one file at a time")
		if got := w.happened(t, audit.ExportRequested); got != 1 {
			t.Errorf("got %d requests, want one", got)
		}
		w.work(t)
		address, parts := ana.offered(privacy.MyData)
		var got struct {
			ID      string `json:"user_id"`
			Email   string
			Portico map[string]any
		}
		if err := json.Unmarshal([]byte(parts["profile.json"]), &got); err != nil || got.ID != w.user(t, anaAddress).ID || got.Email != anaAddress || got.Portico == nil {
			t.Errorf("got %+v, %v, want ana's profile", got, err)
		}
		file := ana.get(address)
		if h := file.header; h.Get("Cache-Control") != "no-store" || h.Get("Content-Type") != "application/zip" || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment;") {
			t.Errorf("got %v, want a file that nobody keeps", h)
		}
		ana.do(http.MethodHead, address, nil)
		if got := w.happened(t, audit.ExportDownloaded); got != 2 {
			t.Errorf("got %d downloads, want the two and not the look at the headers", got)
		}
		if w.happened(t, audit.ExportReady) != 1 {
			t.Error("nothing says that the file was made")
		}
		w.keptSealed(t, address)

		ana.file(privacy.TechnicalRecords)
		ana.file(privacy.MyData)
		limited := ana.want(ana.ask(privacy.MyData), http.StatusTooManyRequests, "/account/data/export", "three files made in 24 hours")
		if limited.header.Get("Retry-After") == "" {
			t.Error("nothing says when to come back")
		}
		w.othersGetNothing(t, address)
		w.Clock.Advance(16 * time.Minute)
		ana.want(ana.get(address), http.StatusOK, "/reauth", "")
		ana.want(ana.ask(privacy.MyData), http.StatusOK, "/reauth", "")
		w.expires(t, ana, address)
	})
}

// keptSealed looks for the file where it is kept.
func (w *world) keptSealed(t *testing.T, address string) {
	t.Helper()
	chunks := 0
	dump(t, w.Fixture, func(place, text string) {
		if place != "export_chunks.sealed" {
			return
		}
		chunks++
		if strings.Contains(text, "PK\x03\x04") || strings.Contains(text, "profile.json") {
			t.Error("a file lies open in the database")
		}
	})
	if chunks == 0 {
		t.Errorf("%s is kept nowhere", address)
	}
	letter := w.letter(t, anaAddress, mail.ExportReady)
	if strings.Contains(letter.Text+letter.HTML, "/exports/") || !strings.Contains(letter.Text, "/account/data\n") || !strings.Contains(letter.Text, "/password/forgot") {
		t.Errorf("got %s, want a letter that opens nothing, and says what to do if it was not ana", letter.Text)
	}
}

// othersGetNothing asks for ana's file as somebody else, of this tenant and of another, and as nobody.
func (w *world) othersGetNothing(t *testing.T, address string) {
	t.Helper()
	ben := w.visitor(t)
	ben.signUp("ben@example.org")
	ben.want(ben.get(address), http.StatusNotFound, address, "")
	ben.want(ben.get("/account/data/exports/nothing"), http.StatusNotFound, "/account/data/exports/nothing", "")
	ben.want(ben.ask("everything"), http.StatusBadRequest, "/account/data/export", "")
	stranger := w.visitor(t)
	stranger.want(stranger.get(address), http.StatusOK, "/login", "")
	if _, err := w.portal.config.Exports.Find(t.Context(), tenant.User{Tenant: "other", ID: w.user(t, anaAddress).ID}, address[strings.LastIndex(address, "/")+1:]); !errors.Is(err, privacy.ErrNoExport) {
		t.Errorf("got %v, want nothing for another tenant", err)
	}
}

// tidies has the job look that removes what is kept no longer.
func (w *world) tidies(t *testing.T) {
	t.Helper()
	if err := w.portal.config.Retention.Run(t.Context(), w.Tenant.ID); err != nil {
		t.Fatal(err)
	}
}

// expires waits for a day.
func (w *world) expires(t *testing.T, ana *visitor, address string) {
	t.Helper()
	w.Clock.Advance(24 * time.Hour)
	w.tidies(t)
	dump(t, w.Fixture, func(place, text string) {
		if place == "export_chunks.sealed" {
			t.Error("the content of a file outlives it")
		}
	})
	ana.signIn(anaAddress, goodPassword)
	ana.want(ana.get("/account/data"), http.StatusOK, "/account/data", "we keep each for 24 hours")
	ana.want(ana.get(address), http.StatusNotFound, address, "")
	ana.want(ana.ask(privacy.MyData), http.StatusOK, "/account/data", "We are preparing your file")
	w.work(t)
	w.Clock.Advance(31 * 24 * time.Hour)
	w.tidies(t)
	all, err := w.DB.Exports(t.Context(), w.user(t, anaAddress))
	if err != nil || len(all) != 0 {
		t.Errorf("got %d files, %v, want them forgotten", len(all), err)
	}
}

// Rule T-5, terms.md section 6 number 12: whatever else is owed, the data is there to be had; and by the keys of today too.
func TestDataIsThereWhateverIsOwed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		old := keys.Generate()
		ring, err := keys.New(old)
		if err != nil {
			t.Fatal(err)
		}
		w := worldWith(t, f, ring)
		ana := w.visitor(t)
		ana.send(ana.get("/signup"), "/signup", map[string]string{"email": anaAddress, "password": goodPassword, "terms": "on"})
		ana.signIn(anaAddress, goodPassword)
		w.issue(t, 1, "Seven days.", nil)
		decide(ana, ana.want(ana.get("/account"), http.StatusOK, "/terms/accept", ""), "decline")
		if got := w.decisions(t, anaAddress); len(got) != 1 || got[0].Type != terms.Declined {
			t.Fatalf("got %v, want the terms declined", got)
		}
		ana.file(privacy.MyData)
		rotated, err := keys.New(keys.Generate(), old)
		if err != nil {
			t.Fatal(err)
		}
		ana.world = worldWith(t, f, rotated)
		ana.offered(privacy.MyData)
	})
}

// TestFileProvesItself checks a file as its owner could: hashes, signature, schemas, texts and receipts.
func TestFileProvesItself(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven days.", nil)
		ana := w.member(t)
		w.purpose(t, terms.Document{Key: "news"}, 1)
		ana.send(ana.get("/account/consents"), "/account/consents", map[string]string{"on.news": "on"})
		if err := w.portal.config.Privacy.Ask(tenant.With(t.Context(), w.Tenant), w.user(t, anaAddress), privacy.Request{Kind: privacy.Download}); err != nil {
			t.Fatal(err)
		}
		_, data := ana.file(privacy.MyData)
		_, records := ana.file(privacy.TechnicalRecords)
		proven(t, data)
		key := proven(t, records)
		receipts := 0
		for name, receipt := range records {
			if !strings.HasSuffix(name, ".tlog-proof") {
				continue
			}
			receipts++
			got, err := ledger.VerifyReceipt(receipt, strings.TrimSpace(records["receipts/ledger.key"]))
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			var e terms.Event
			if err := json.Unmarshal([]byte(got.Payload), &e); err != nil {
				t.Fatal(err)
			}
			text := data["terms/"+e.Document+"-1-en-"+string(rune('0'+e.Revision))+".html"]
			if sum := sha256.Sum256([]byte(text)); hex.EncodeToString(sum[:]) != e.HTMLSHA256 {
				t.Errorf("got %q, want the text of %s as it was shown", text, e.Document)
			}
			if data["terms/screens/"+e.Presentation+".json"] == "" {
				t.Errorf("the screen of %s is missing", e.Document)
			}
		}
		if receipts != 2 || strings.TrimSpace(records["receipts/ledger.key"]) != key {
			t.Errorf("got %d receipts, want those of the terms and the consent, all by one key", receipts)
		}
		if !strings.Contains(data["index.html"], `lang="en"`) || strings.Contains(data["index.html"], "<script") || strings.Contains(data["index.html"], "https:") ||
			!strings.Contains(data["processing.html"], "Letters about news") || !strings.Contains(data["requests.json"], "download") {
			t.Error("the pages are not what people should read")
		}
	})
}

// proven checks the parts of a file against its manifest and their schemas, and returns the key that signed it.
func proven(t *testing.T, parts map[string]string) string {
	t.Helper()
	key, signed, _ := strings.Cut(parts["manifest.json.sig"], "\n")
	verifier, err := note.NewVerifier(key)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(parts["manifest.json"]))
	if opened.Text != "portico.export.manifest/v1\n"+hex.EncodeToString(sum[:])+"\n" {
		t.Errorf("got %q signed, want the manifest", opened.Text)
	}
	var manifest struct {
		Files    map[string]struct{ SHA256 string }
		Excluded []string
	}
	if err := json.Unmarshal([]byte(parts["manifest.json"]), &manifest); err != nil || len(manifest.Excluded) < 6 || len(manifest.Files) != len(parts)-2 {
		t.Errorf("got %+v, %v, want every part but the manifest itself, and what is left out", manifest, err)
	}
	for name, file := range manifest.Files {
		if sum := sha256.Sum256([]byte(parts[name])); hex.EncodeToString(sum[:]) != file.SHA256 {
			t.Errorf("%s is not the one of the manifest", name)
		}
		schema := parts["schemas/"+name+".schema.json"]
		if (strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".jsonl")) && !strings.Contains(name, "/") {
			fits(t, name, schema, parts[name])
		}
	}
	return key
}

// fits checks a part against its schema, a line of it where it consists of lines.
func fits(t *testing.T, name, schema, content string) {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		t.Fatalf("the schema of %s: %v", name, err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(name, parsed); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	values := []string{content}
	if strings.HasSuffix(name, "l") {
		values = strings.Split(strings.TrimSpace(content), "\n")
	}
	for _, text := range values {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err == nil {
			err = compiled.Validate(value)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Security.md row 66: the address before a change hears of it too, without the way to the file.
func TestPreviousAddressIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	ana := w.member(t)
	changed := w.change(t, ana, "new@example.org")
	changed.file(privacy.MyData)
	w.letter(t, "new@example.org", mail.ExportReady)
	notice := w.letter(t, anaAddress, mail.ExportMade)
	if strings.Contains(notice.Text, "/account/data") || !strings.Contains(notice.Text, "/password/forgot") {
		t.Errorf("got %s, want a notice and no more", notice.Text)
	}
}

// change gives ana another address.
func (w *world) change(t *testing.T, ana *visitor, address string) *visitor {
	t.Helper()
	ana.send(ana.get("/account/email"), "/account/email", map[string]string{"new_email": address})
	confirm := w.letter(t, address, mail.EmailChangeConfirm)
	p := ana.get(link(t, confirm, "/email/confirm/"))
	ana.send(p, "/email/confirm", nil)
	notice := w.letter(t, anaAddress, mail.EmailChangeNotice)
	ana.send(ana.get(link(t, notice, "/email/approve/")), "/email/approve", nil)
	return ana
}
