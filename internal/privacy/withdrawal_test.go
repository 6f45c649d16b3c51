package privacy_test

import (
	"strings"
	"testing"
	"time"

	"portico/internal/privacy"
	"portico/internal/tenant"
)

func TestStatementsAreChecked(t *testing.T) {
	t.Parallel()
	good := privacy.Statement{Name: "Ana Ferreira", Contract: "Order 4711", Contact: "ana@example.org"}
	for name, c := range map[string]struct {
		change func(w *privacy.Statement)
		want   string
	}{
		"as it should be":         {func(*privacy.Statement) {}, ""},
		"two lines of a contract": {func(w *privacy.Statement) { w.Contract = "Order 4711\r\nonly the lamp" }, ""},
		"as long as can be": {func(w *privacy.Statement) {
			w.Name, w.Contract = strings.Repeat("ü", 150), strings.Repeat("契", 200)
		}, ""},
		"no name":               {func(w *privacy.Statement) { w.Name = " \t " }, "name: err.required"},
		"no contract":           {func(w *privacy.Statement) { w.Contract = "\r\n" }, "reference: err.required"},
		"no address":            {func(w *privacy.Statement) { w.Contact = "" }, "email: err.email.empty"},
		"no such address":       {func(w *privacy.Statement) { w.Contact = "ana@example.org\r\nBcc: all@example.org" }, "email: err.email.form"},
		"too long a name":       {func(w *privacy.Statement) { w.Name = strings.Repeat("ü", 151) }, "name: err.name.long"},
		"too long a contract":   {func(w *privacy.Statement) { w.Contract = strings.Repeat("契", 201) }, "reference: err.name.long"},
		"a bell in the name":    {func(w *privacy.Statement) { w.Name = "Ana\x07" }, "name: err.name.control"},
		"an escape in contract": {func(w *privacy.Statement) { w.Contract = "4711\x1b[2J" }, "reference: err.name.control"},
		"broken characters":     {func(w *privacy.Statement) { w.Contract = "4711\xff" }, "reference: err.name.control"},
		"everything": {
			func(w *privacy.Statement) { *w = privacy.Statement{} },
			"name: err.required, reference: err.required, email: err.email.empty",
		},
	} {
		w := good
		c.change(&w)
		got := ""
		if refused := w.Tidy().Check(); len(refused) > 0 {
			got = strings.TrimPrefix(refused.Error(), "refused: ")
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	if w := (privacy.Statement{Name: " Ana  Maria ", Contract: " a\r\nb ", Contact: " a@b.example "}).Tidy(); w.Name != "Ana Maria" || w.Contract != "a\nb" || w.Contact != "a@b.example" {
		t.Errorf("got %+v, want it tidy", w)
	}
}

// A form counts once; a person's own statement counts once while it waits; whoever says something else says something else.
func TestOneStatementIsOneRequest(t *testing.T) {
	t.Parallel()
	first := privacy.Request{
		User: tenant.User{Tenant: "acme"}, Kind: privacy.Withdrawal, Name: "Ana", Contact: "ana@example.org", Reference: "4711", Form: "f1",
	}
	for name, c := range map[string]struct {
		change func(r *privacy.Request)
		same   bool
	}{
		"sent again":       {func(*privacy.Request) {}, true},
		"later":            {func(r *privacy.Request) { r.ID, r.At = "x", time.Now() }, true},
		"another form":     {func(r *privacy.Request) { r.Form = "f2" }, false},
		"another name":     {func(r *privacy.Request) { r.Name = "Ben" }, false},
		"another contract": {func(r *privacy.Request) { r.Reference = "4712" }, false},
		"another address":  {func(r *privacy.Request) { r.Contact = "ben@example.org" }, false},
		"another person":   {func(r *privacy.Request) { r.User.ID = "portico|1" }, false},
	} {
		r := first
		c.change(&r)
		if got := r.OpenKey() == first.OpenKey(); got != c.same {
			t.Errorf("%s: got the same request: %v, want %v", name, got, c.same)
		}
	}
	if first.MayExtend(time.Now()) || !first.Decidable() {
		t.Error("a withdrawal is granted or refused, in its time")
	}
}
