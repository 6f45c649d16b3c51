package emails

import (
	"time"

	"portico/internal/mail"
)

// Sample is what a letter of this kind may speak of, for previews. Nothing in it is real.
func Sample(kind mail.Kind) mail.Facts {
	const origin = "https://account.example.org"
	when := time.Date(2026, time.November, 21, 7, 58, 0, 0, time.UTC)
	f := mail.Facts{
		Name: "Ana", Link: origin + "/example", Time: when, IP: "203.0.113.7",
		Browser: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0",
	}
	switch kind {
	case mail.VerifyEmail, mail.EmailChangeConfirm:
		f.Code, f.TTL = "482913", 24*time.Hour
	case mail.Invited:
		f.Code, f.TTL, f.IP, f.Browser = "482913", 24*time.Hour, "", ""
	case mail.ResetEmail:
		f.Code, f.TTL = "482913", time.Hour
	case mail.AlreadyRegistered:
		f.SecondLink = origin + "/password/forgot"
	case mail.ResetProvider, mail.AccountLinked, mail.AccountUnlinked:
		f.Provider = "Example ID"
	case mail.EmailFollowed, mail.EmailKept:
		f.Provider, f.Address = "Example ID", "a•••@example.net"
	case mail.BlockedAccount:
		f.Code, f.TTL, f.Count, f.IP = "482913", time.Hour, 10, ""
	case mail.EmailChangeNotice, mail.EmailChanged, mail.EmailChangedByAdmin:
		f.Code, f.Address, f.Until = "482913", "a•••@example.net", when.AddDate(0, 0, 7)
		if kind == mail.EmailChangedByAdmin {
			f.IP, f.Browser = "", ""
		}
		if kind == mail.EmailChangeNotice {
			f.SecondLink, f.TTL = origin+"/example/undo", 3*24*time.Hour
		}
	case mail.ConsentConfirm:
		f.Document, f.Code, f.TTL = "New books and offers", "482913", 7*24*time.Hour
	case mail.ConsentGiven:
		f.Document, f.Version, f.Unsubscribe = "New books and offers", 1, origin+"/unsubscribe/example"
	case mail.AccountBlocked:
		f.Until, f.Message = when.AddDate(0, 0, 14), "…"
	case mail.ProfileChangedByAdmin:
		f.Changes = []string{"name", "phone_number"}
	default:
		ofRights(&f, kind, origin, when)
		ofDocuments(&f, kind, origin, when)
	}
	return f
}

// ofRights are the facts of letters about what people ask for their own data.
func ofRights(f *mail.Facts, kind mail.Kind, origin string, when time.Time) {
	switch kind {
	case mail.RequestReceived:
		f.Until, f.Text = when.AddDate(0, 1, 0), "…"
	case mail.ExportReady:
		f.Until, f.SecondLink = when.AddDate(0, 0, 1), origin+"/password/forgot"
	case mail.AccountUnproven:
		f.Until, f.IP, f.Browser = when.AddDate(0, 0, 7), "", ""
	case mail.CloseLink:
		f.Code, f.TTL = "482913", time.Hour
	case mail.AccountClosing:
		f.Code, f.TTL, f.Until = "482913", 365*24*time.Hour, when.AddDate(0, 0, 7)
	case mail.AccountClosed:
		f.Count, f.Files, f.IP, f.Browser = 3, []mail.File{{Name: "receipts.zip"}}, "", ""
	case mail.RequestExtended:
		f.Until, f.Text = when.AddDate(0, 3, 0), "…"
	case mail.WithdrawalReceived:
		f.Until, f.Reference = when.AddDate(0, 0, 14), "4711"
	case mail.WithdrawalAnswered:
		f.Text, f.Outcome = "…", "granted"
	case mail.RequestAnswered:
		f.Text, f.Outcome = "…", "granted"
	case mail.GuardianRequest:
		f.Address, f.Code, f.Until, f.Name = "ana@example.org", "482913", when.AddDate(0, 0, 14), ""
	case mail.GuardianDecided:
		f.Address, f.Outcome, f.Name = "ana@example.org", "granted", ""
	case mail.AgeClosing:
		f.Until, f.Outcome = when.AddDate(0, 0, 7), "no_answer"
	}
}

// ofDocuments are the facts of letters about documents and the ledger.
func ofDocuments(f *mail.Facts, kind mail.Kind, origin string, when time.Time) {
	before := *f
	f.Document, f.Version = "Terms of use", 3
	switch kind {
	case mail.TermsChanged:
		f.Until, f.Changes = when.AddDate(0, 1, 0), []string{"…", "…"}
		f.Enclosed = mail.Enclosed{Source: "## 1. Returns\n\n…", HTML: "<h2>1. Returns</h2><p>…</p>", Locale: "en"}
	case mail.TermsReminder:
		f.Until, f.Changes = when.AddDate(0, 0, 7), []string{"…", "…"}
	case mail.TermsAccepted:
		f.SecondLink, f.Text = origin+"/account/terms/example/receipt", "…"
		f.Proof = "account.example.org/ledger/default\npromise\nX4gkX4gkX4gkX4gkX4gkX4gkX4gkX4gkX4gkX4gkX4g=\n2026-11-21T07:58:00Z\n\n— account.example.org/ledger/default X4gkX4gk…\n"
	case mail.TermsRecorded:
		f.Message = "…"
	case mail.LedgerCheckpoint:
		f.Document, f.Version, f.Name, f.Proof = "", 0, "", "account.example.org/ledger/default\n3\nX4gkX4gkX4gkX4gkX4gkX4gkX4gkX4gkX4gkX4gkX4g=\n\n— account.example.org/ledger/default X4gkX4gk…\n"
	case mail.TermsWithdrawn:
		f.Count = 2
	case mail.TermsCancelled:
		f.Until = when.AddDate(0, 1, 0)
	default:
		f.Document, f.Version = before.Document, before.Version
	}
}
