package emails

import "portico/internal/mail"

// form is how a part of a letter looks.
type form int

const (
	text      form = iota
	small          // set apart at the end: how long things work, and what to do if it was not you
	code           // the code, large; with a key, after the words mail.code.<key>
	button         // leads to Facts.Link
	second         // leads to Facts.SecondLink
	place          // when, from which browser and address
	list           // Facts.Changes
	fields         // Facts.Changes as names of attributes
	quote          // Facts.Message or Facts.Text: what a person wrote
	statement      // what somebody declared who withdraws from a contract: Facts.Reference, Facts.Name and their address
	verbatim       // Facts.Proof to the letter: what a program reads
	document       // Facts.Enclosed: the whole text of a document
)

// part is one part of a letter: its form and the last piece of its message key, mail.<kind>.<key>.
// A part whose facts are missing is left out: only says which facts its words need besides those of its form.
type part struct {
	form form
	key  string
	only func(f mail.Facts) bool
}

// shape is what a kind of letter consists of, in order; its subject and heading are mail.<kind>.subject.
// why is the key of the footer's reason. A stranger's letter never carries a name, because a stranger chose it.
type shape struct {
	why      string
	stranger bool
	parts    []part
}

func hasUntil(f mail.Facts) bool   { return !f.Until.IsZero() }
func lacksUntil(f mail.Facts) bool { return f.Until.IsZero() }
func hasCount(f mail.Facts) bool   { return f.Count > 0 }
func hasTTL(f mail.Facts) bool     { return f.TTL > 0 }
func hasLink(f mail.Facts) bool    { return f.Link != "" }
func hasSecond(f mail.Facts) bool  { return f.SecondLink != "" }
func hasChanges(f mail.Facts) bool { return len(f.Changes) > 0 }
func hasMessage(f mail.Facts) bool { return f.Message != "" }
func hasFiles(f mail.Facts) bool   { return len(f.Files) > 0 }
func isGranted(f mail.Facts) bool  { return f.Outcome == "granted" }
func isSilent(f mail.Facts) bool   { return f.Outcome == "no_answer" }
func isRefused(f mail.Facts) bool  { return f.Outcome == "refused" }
func hasText(f mail.Facts) bool    { return f.Text != "" }
func hasProof(f mail.Facts) bool   { return f.Proof != "" }

// shapes says of every kind of letter what it consists of. A new kind is a line here and its words in letters.json.
var shapes = map[mail.Kind]shape{
	mail.VerifyEmail: {why: "signup", parts: []part{
		{form: text, key: "body"},
		{form: code},
		{form: text, key: "or"},
		{form: button, key: "button"},
		{small, "ttl", hasTTL},
		{form: small, key: "safe"},
	}},
	mail.AlreadyRegistered: {why: "account", parts: []part{
		{form: text, key: "body"}, {form: button, key: "button"}, {form: second, key: "second"}, {form: small, key: "safe"},
	}},
	mail.ResetEmail: {why: "reset", parts: []part{
		{form: text, key: "body"},
		{form: button, key: "button"},
		{form: code, key: "if"},
		{small, "ttl", hasTTL},
		{form: small, key: "safe"},
	}},
	mail.ResetProvider: {why: "reset", parts: []part{
		{form: text, key: "body"}, {form: button, key: "button"}, {form: small, key: "safe"},
	}},
	mail.PasswordChanged: {why: "account", parts: []part{
		{form: text, key: "body"}, {form: place}, {form: text, key: "safe"}, {form: button, key: "button"},
	}},
	mail.BlockedAccount: {why: "account", parts: []part{
		{form: text, key: "body"},
		{text, "mine", hasLink},
		{form: button, key: "button"},
		{form: code, key: "if"},
		{small, "ttl", hasTTL},
		{form: small, key: "safe"},
	}},
	mail.EmailChangeConfirm: {why: "change", stranger: true, parts: []part{
		{form: text, key: "body"},
		{form: code},
		{form: text, key: "or"},
		{form: button, key: "button"},
		{small, "ttl", hasTTL},
		{form: small, key: "safe"},
	}},
	mail.EmailChangeNotice: {why: "old", parts: []part{
		{form: text, key: "body"},
		{form: place},
		{text, "mine", hasLink},
		{form: button, key: "button"},
		{text, "else", hasSecond},
		{form: second, key: "second"},
		{form: code, key: "if"},
		{small, "until", hasUntil},
	}},
	mail.EmailChanged: {why: "old", parts: []part{
		{form: text, key: "body"}, {form: place}, {text, "mine", hasLink}, {form: button, key: "button"}, {form: code, key: "if"}, {small, "until", hasUntil},
	}},
	mail.EmailChangedByAdmin: {why: "old", parts: []part{
		{form: text, key: "body"}, {text, "mine", hasLink}, {form: button, key: "button"}, {form: code, key: "if"}, {small, "until", hasUntil},
	}},
	mail.EmailFollowed: {why: "old", parts: []part{
		{form: text, key: "body"}, {form: place}, {form: text, key: "safe"}, {form: button, key: "button"},
	}},
	mail.EmailKept: {why: "account", parts: []part{
		{form: text, key: "body"}, {form: text, key: "mine"}, {form: button, key: "button"},
	}},
	mail.AccountLinked: {why: "account", parts: []part{
		{form: text, key: "body"}, {form: place}, {form: text, key: "safe"}, {form: button, key: "button"},
	}},
	mail.AccountUnlinked: {why: "account", parts: []part{
		{form: text, key: "body"}, {form: place}, {form: text, key: "safe"}, {form: button, key: "button"},
	}},
	mail.EmailTaken: {why: "account", parts: []part{
		{form: text, key: "body"}, {form: button, key: "button"}, {form: small, key: "safe"},
	}},
	mail.PhoneChanged: {why: "account", parts: []part{
		{form: text, key: "body"}, {form: place}, {form: text, key: "safe"}, {form: button, key: "button"},
	}},
	mail.NewSignIn: {why: "account", parts: []part{
		{form: text, key: "body"}, {form: place}, {form: text, key: "safe"}, {form: button, key: "button"},
	}},
	mail.SessionLimit: {why: "account", parts: []part{
		{form: text, key: "body"}, {form: place}, {form: text, key: "safe"}, {form: button, key: "button"},
	}},
	mail.TermsChanged: {why: "account", parts: []part{
		{form: text, key: "body"},
		{text, "from", hasUntil},
		{text, "short", hasChanges},
		{form: list},
		{form: button, key: "button"},
		{form: text, key: "next"},
		{form: document, key: "whole"},
	}},
	mail.TermsReminder: {why: "account", parts: []part{
		{form: text, key: "body"},
		{text, "left", hasUntil},
		{text, "short", hasChanges},
		{form: list},
		{form: button, key: "button"},
		{form: small, key: "safe"},
	}},
	mail.TermsAccepted: {why: "account", parts: []part{
		{form: text, key: "body"},
		{text, "said", hasText},
		{form: quote},
		{text, "keep", hasLink},
		{form: button, key: "button"},
		{second, "proof", hasSecond},
		{text, "promise", hasProof},
		{form: verbatim},
		{small, "check", hasSecond},
	}},
	mail.TermsRecorded: {why: "account", parts: []part{
		{form: text, key: "body"}, {form: text, key: "reason"}, {form: quote}, {form: button, key: "button"}, {form: small, key: "safe"},
	}},
	mail.LedgerCheckpoint: {why: "auditor", parts: []part{
		{form: text, key: "body"}, {form: text, key: "keep"}, {form: verbatim}, {form: button, key: "button"},
	}},
	mail.TermsWithdrawn: {why: "account", parts: []part{
		{form: text, key: "body"},
		{text, "current", hasCount},
		{text, "nothing", lacksUntil},
		{text, "asked", hasUntil},
		{form: button, key: "button"},
	}},
	mail.TermsCancelled: {why: "account", parts: []part{
		{form: text, key: "body"}, {form: text, key: "nothing"}, {form: button, key: "button"},
	}},
	mail.ConsentConfirm: {why: "account", parts: []part{
		{form: text, key: "body"}, {form: button, key: "button"}, {form: code, key: "if"}, {small, "ttl", hasTTL}, {form: small, key: "safe"},
	}},
	mail.Invited: {why: "account", parts: []part{
		{form: text, key: "body"}, {form: button, key: "button"}, {form: code, key: "if"}, {small, "ttl", hasTTL}, {form: small, key: "safe"},
	}},
	mail.ConsentGiven: {why: "consent", parts: []part{
		{form: text, key: "body"}, {form: small, key: "end"}, {form: button, key: "button"},
	}},
	mail.AccountBlocked: {why: "account", parts: []part{
		{form: text, key: "body"}, {text, "until", hasUntil}, {text, "message", hasMessage}, {form: quote}, {form: small, key: "safe"},
	}},
	mail.AccountUnblocked: {why: "account", parts: []part{
		{form: text, key: "body"}, {text, "message", hasMessage}, {form: quote}, {form: button, key: "button"},
	}},
	mail.ProfileChangedByAdmin: {why: "account", parts: []part{
		{form: text, key: "body"},
		{form: fields},
		{text, "message", hasMessage},
		{form: quote},
		{form: button, key: "button"},
		{form: small, key: "safe"},
	}},
	mail.AdministratorAdded: {why: "account", parts: []part{
		{form: text, key: "body"}, {form: text, key: "next"}, {form: button, key: "button"}, {form: small, key: "safe"},
	}},
	mail.AdministratorGone: {why: "account", parts: []part{
		{form: text, key: "body"}, {form: text, key: "next"}, {form: button, key: "button"}, {form: small, key: "safe"},
	}},
	mail.PasswordChangeAsked: {why: "account", parts: []part{
		{form: text, key: "body"}, {form: text, key: "next"}, {form: button, key: "button"}, {form: small, key: "safe"},
	}},
	mail.RequestReceived: {why: "request", parts: []part{
		{form: text, key: "body"},
		{text, "until", hasUntil},
		{text, "text", hasText},
		{form: quote},
		{form: button, key: "button"},
		{form: small, key: "safe"},
	}},
	mail.ExportReady: {why: "request", parts: []part{
		{form: text, key: "body"},
		{form: button, key: "button"},
		{small, "until", hasUntil},
		{form: text, key: "safe"},
		{form: place},
		{form: second, key: "second"},
	}},
	mail.ExportMade: {why: "old", parts: []part{
		{form: text, key: "body"}, {form: place}, {form: text, key: "safe"}, {form: button, key: "button"},
	}},
	mail.ExportFailed: {why: "request", parts: []part{
		{form: text, key: "body"}, {form: button, key: "button"},
	}},
	mail.RequestExtended: {why: "request", parts: []part{
		{form: text, key: "body"}, {form: quote}, {text, "until", hasUntil}, {form: button, key: "button"}, {form: small, key: "safe"},
	}},
	mail.RequestAnswered: {why: "request", parts: []part{
		{form: text, key: "body"},
		{text, "granted", isGranted},
		{text, "refused", isRefused},
		{form: quote},
		{form: button, key: "button"},
		{form: small, key: "safe"},
	}},
	mail.WithdrawalReceived: {why: "request", stranger: true, parts: []part{
		{form: text, key: "body"},
		{form: statement},
		{text, "until", hasUntil},
		{form: text, key: "keep"},
		{form: button, key: "button"},
		{form: small, key: "safe"},
	}},
	mail.WithdrawalAnswered: {why: "request", stranger: true, parts: []part{
		{form: text, key: "body"},
		{text, "granted", isGranted},
		{text, "refused", isRefused},
		{form: quote},
		{form: button, key: "button"},
		{form: small, key: "safe"},
	}},
	mail.AccountRestricted: {why: "account", parts: []part{
		{form: text, key: "body"}, {form: text, key: "what"}, {form: button, key: "button"}, {form: small, key: "safe"},
	}},
	mail.RestrictionLifted: {why: "account", parts: []part{
		{form: text, key: "body"}, {form: button, key: "button"}, {form: small, key: "safe"},
	}},
	mail.GuardianRequest: {why: "guardian", stranger: true, parts: []part{
		{form: text, key: "body"}, {form: button, key: "button"}, {form: code, key: "if"}, {small, "until", hasUntil}, {form: small, key: "safe"},
	}},
	mail.GuardianDecided: {why: "guardian", stranger: true, parts: []part{
		{form: text, key: "body"},
		{text, "granted", isGranted},
		{text, "refused", isRefused},
		{form: small, key: "safe"},
		{form: button, key: "button"},
	}},
	mail.GuardianApproved: {why: "account", parts: []part{
		{form: text, key: "body"}, {form: button, key: "button"},
	}},
	mail.AgeClosing: {why: "old", parts: []part{
		{form: text, key: "body"},
		{text, "refused", isRefused},
		{text, "silent", isSilent},
		{form: text, key: "export"},
		{form: button, key: "button"},
		{form: small, key: "safe"},
	}},
	mail.AccountUnproven: {why: "account", parts: []part{
		{form: text, key: "body"},
		{text, "mine", hasLink},
		{form: button, key: "button"},
		{text, "choose", hasSecond},
		{form: second, key: "second"},
		{form: small, key: "safe"},
	}},
	mail.CloseLink: {why: "account", parts: []part{
		{form: text, key: "body"}, {form: button, key: "button"}, {form: code, key: "if"}, {small, "ttl", hasTTL}, {form: small, key: "safe"},
	}},
	mail.AccountClosing: {why: "old", parts: []part{
		{form: text, key: "body"},
		{form: place},
		{form: text, key: "stays"},
		{form: text, key: "mine"},
		{form: button, key: "button"},
		{form: code, key: "if"},
	}},
	mail.AccountKept: {why: "old", parts: []part{
		{form: text, key: "body"}, {form: place}, {form: button, key: "button"}, {form: small, key: "safe"},
	}},
	mail.AccountClosed: {why: "closed", parts: []part{
		{form: text, key: "body"}, {text, "files", hasFiles}, {form: text, key: "stays"}, {form: button, key: "button"},
	}},
}
