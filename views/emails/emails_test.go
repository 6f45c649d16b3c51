package emails_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/views/emails"
)

var update = flag.Bool("update", false, "write the golden letters anew")

var harbour = emails.From{Product: "Harbour Books", Origin: "https://account.example.org", SupportEmail: "help@example.org"}

func render(t *testing.T, l mail.Letter) (subject, text, html string) {
	t.Helper()
	subject, text, html, err := emails.Render(t.Context(), harbour, l)
	if err != nil {
		t.Fatal(err)
	}
	return subject, text, html
}

func sample(kind mail.Kind, language string) mail.Letter {
	return mail.Letter{Tenant: "acme", User: "portico|1", To: "ana@example.org", Kind: kind, Language: language, Facts: emails.Sample(kind)}
}

func TestLettersLookAsAgreed(t *testing.T) {
	t.Parallel()
	for _, kind := range emails.Kinds() {
		for _, language := range []string{"en", "ar"} {
			subject, text, html := render(t, sample(kind, language))
			name := filepath.Join("testdata", string(kind)+"."+language)
			golden(t, name+".txt", "Subject: "+subject+"\n\n"+text)
			if kind == mail.VerifyEmail || kind == mail.TermsChanged {
				golden(t, name+".html", html+"\n")
			}
		}
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got another letter than the golden one (go test ./views/emails -update writes it anew):\n%s", path, got)
	}
}

func TestEveryLetterInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, kind := range emails.Kinds() {
		english, _, _ := render(t, sample(kind, "en"))
		for _, language := range i18n.Shipped() {
			subject, text, html := render(t, sample(kind, language.Tag))
			switch {
			case subject == "" || strings.ContainsAny(subject, "{}\n"):
				t.Errorf("%s, %s: got the subject %q", kind, language.Tag, subject)
			case language.Tag != "en" && subject == english && i18n.Has(language.Tag, "mail.hello"):
				t.Errorf("%s, %s: got the subject in English", kind, language.Tag)
			}
			if strings.ContainsAny(text, "{}") {
				t.Errorf("%s, %s: got a parameter that nothing fills:\n%s", kind, language.Tag, text)
			}
			facts := emails.Sample(kind)
			if kind != mail.AccountBlocked && !strings.Contains(text, "\n"+facts.Link+"\n") {
				t.Errorf("%s, %s: got no line with the bare link", kind, language.Tag)
			}
			if facts.Code != "" && (!strings.Contains(text, "\n"+facts.Code+"\n") || !strings.Contains(html, ">482\u00a0913<")) {
				t.Errorf("%s, %s: got no code", kind, language.Tag)
			}
			if !strings.Contains(html, `<html lang="`+language.Tag+`" dir="`+language.Dir+`">`) {
				t.Errorf("%s, %s: got the wrong language or direction", kind, language.Tag)
			}
			if strings.Contains(html, "<script") || strings.Contains(html, "<img") || strings.Contains(html, "url(") {
				t.Errorf("%s, %s: got a script or something that is loaded from elsewhere", kind, language.Tag)
			}
		}
	}
}

func TestKindsAreThoseWithAShape(t *testing.T) {
	t.Parallel()
	if _, _, _, err := emails.Render(t.Context(), harbour, sample("no_such_kind", "en")); err == nil {
		t.Error("got a letter of no known kind")
	}
	for key := range i18n.Texts("en") {
		kind, ok := strings.CutSuffix(strings.TrimPrefix(key, "mail."), ".subject")
		if !ok || !strings.HasPrefix(key, "mail.") {
			continue
		}
		if _, _, _, err := emails.Render(t.Context(), harbour, sample(mail.Kind(kind), "en")); err != nil {
			t.Errorf("%s: got words for a letter that does not exist", kind)
		}
	}
}

func TestNamesInLetters(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Ana":                            "Ana",
		"  Ana\r\nBcc: all@example.org":  "",
		"Ana\r\nFerreira":                "Ana Ferreira",
		"J. R. R. Tolkien":               "J. R. R. Tolkien",
		"J.R.R. Tolkien":                 "J.R.R. Tolkien",
		"Visit https://evil.example now": "",
		"evil.example":                   "",
		"www.evil":                       "",
		"Pay at evil。example":            "",
		"ana@example.org":                "",
		"\u202eAna":                      "Ana",
		"آنا":                            "آنا",
		"":                               "",
		strings.Repeat("a", 61):          strings.Repeat("a", 60) + "…",
		strings.Repeat("\u00e9 ", 100):   strings.Repeat("\u00e9 ", 29) + "\u00e9…",
		"O’Brien-Smith, Jr.":             "O’Brien-Smith, Jr.",
		"<a href=x>":                     "<a href=x>",
	} {
		if got := emails.SafeName(name); got != want && !(name == strings.Repeat("\u00e9 ", 100) && len([]rune(got)) <= 61) {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestNamesAreEscapedAndStrangersHaveNone(t *testing.T) {
	t.Parallel()
	l := sample(mail.VerifyEmail, "en")
	l.Facts.Name = "<b>Ana</b>" // holds a slash, so that it looks like an address
	if _, text, _ := render(t, l); !strings.Contains(text, "Hello,\n") {
		t.Errorf("got the name in\n%s", text)
	}
	l.Facts.Name = `<b class="x">Ana`
	if _, _, html := render(t, l); strings.Contains(html, "<b class") || !strings.Contains(html, "&lt;b class") {
		t.Error("got mark-up from a name")
	}
	l = sample(mail.EmailChangeConfirm, "en")
	if _, text, html := render(t, l); strings.Contains(text, "Ana") || strings.Contains(html, ">Hello Ana") {
		t.Error("got a name in a letter to an unproven address")
	}
	l = sample(mail.AccountBlocked, "en")
	l.Facts.Message = "Line one\r\n<script>alert(1)</script>"
	if _, text, html := render(t, l); strings.Contains(html, "<script>") || !strings.Contains(text, "> Line one\n> <script>") {
		t.Error("got a message that is not escaped or not quoted")
	}
}

// Row 68: what a stranger typed stands in the letter that acknowledges it, but leads nowhere.
func TestStatementsHoldNoLinks(t *testing.T) {
	t.Parallel()
	l := sample(mail.WithdrawalReceived, "en")
	l.Facts.Name = "Win at evil.example"
	l.Facts.Reference = "Order 2026/11/47.11-B\nhttps://evil.example/x www.evil.example ana@evil.example"
	_, text, html := render(t, l)
	for _, part := range []string{text, html} {
		for _, bad := range []string{"evil.example", "://evil", "ana@evil"} {
			if strings.Contains(part, bad) {
				t.Errorf("got %s in\n%s", bad, part)
			}
		}
		if !strings.Contains(part, "Order 2026/11/47.11-B") || !strings.Contains(strings.ReplaceAll(part, "\u200b", ""), "https://evil.example/x") {
			t.Errorf("got the statement in other words:\n%s", part)
		}
	}
}
