package main

import (
	"context"
	"fmt"

	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// demoTerms publishes the documents of Harbour Books, one version after the other, and lets the people accept them. The
// newest version of the terms waits for ana.
func demoTerms(ctx context.Context, service *terms.Service, people []profile.Profile) error {
	t := tenant.From(ctx)
	for _, d := range []terms.Document{
		{Tenant: t.ID, Key: "terms", Assent: terms.Agree, GoverningLocale: "en", Order: 1},
		{Tenant: t.ID, Key: "privacy", Assent: terms.Acknowledge, GoverningLocale: "en", Order: 2},
		{Tenant: t.ID, Key: "news", Assent: terms.Consent, GoverningLocale: "en", Order: 3},
	} {
		if err := service.AddDocument(ctx, d); err != nil {
			return err
		}
	}
	actor := tenant.User{Tenant: t.ID, ID: "demo"}
	for _, texts := range [][]terms.Text{privacyTexts, newsTexts, termsTexts(1), termsTexts(2), termsTexts(3)} {
		document := texts[0].Document
		number, err := service.SaveDraft(ctx, t.ID, terms.Draft{
			Version: terms.Version{Document: document, Materiality: terms.Material, CreatedBy: actor.ID}, Texts: texts,
		})
		if err != nil {
			return err
		}
		plan := terms.Schedule{Reason: "A demonstration.", Typed: fmt.Sprint(number)}
		if err := service.Publish(ctx, actor, document, number, plan); err != nil {
			return err
		}
		for _, p := range people {
			if number == 3 && p.Email == demoPeople[0].Email {
				continue
			}
			if err := demoAccept(ctx, service, p.User, document); err != nil {
				return err
			}
		}
	}
	return nil
}

func demoAccept(ctx context.Context, service *terms.Service, u tenant.User, document string) error {
	owed, err := service.Owed(ctx, u, "en")
	if err != nil {
		return err
	}
	for _, due := range owed {
		if due.Document.Key != document {
			continue
		}
		err := service.Accept(ctx, u, terms.Decision{
			Document: document, Number: due.Version.Number, HTMLSHA256: due.Text.HTMLSHA256, LocaleWanted: "en",
			Nonce: fmt.Sprint("demo-", due.Version.Number), Method: terms.MethodGate, DiffFrom: due.Before.Number,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// newsTexts are the optional purpose that Harbour Books asks about.
var newsTexts = []terms.Text{
	{
		Document: "news", Locale: "en", Title: "New books by email", ChangeNote: "The first version.",
		Source:  "## 1. What we send {#what}\n\nOnce a month we write to you about new books. We give your address to nobody for it.",
		Summary: []terms.Line{{Anchor: "what", Title: "What", Text: "One email a month about new books."}},
	},
	{
		Document: "news", Locale: "de", Title: "Neue Bücher per E-Mail", ChangeNote: "Die erste Version.",
		Source:  "## 1. Was wir senden {#what}\n\nEinmal im Monat schreiben wir Ihnen über neue Bücher. Ihre Adresse geben wir dafür niemandem.",
		Summary: []terms.Line{{Anchor: "what", Title: "Was", Text: "Eine E-Mail im Monat über neue Bücher."}},
	},
	{
		Document: "news", Locale: "ar", Title: "الكتب الجديدة بالبريد", ChangeNote: "الإصدار الأول.",
		Source:  "## 1. ما نرسله {#what}\n\nنكتب إليك مرة في الشهر عن الكتب الجديدة. لا نعطي عنوانك لأحد من أجل ذلك.",
		Summary: []terms.Line{{Anchor: "what", Title: "ما نرسله", Text: "رسالة واحدة في الشهر عن الكتب الجديدة."}},
	},
}

// termsTexts are the terms of use in one of their three versions.
func termsTexts(version int) []terms.Text {
	days := map[string][3]string{
		"en": {"seven (7)", "fourteen (14)", "thirty (30)"}, "de": {"sieben (7)", "vierzehn (14)", "dreißig (30)"},
		"ar": {"سبعة (7)", "أربعة عشر (14)", "ثلاثين (30)"},
	}
	all := []terms.Text{
		{Locale: "en", Title: "Terms of use", Source: englishTerms},
		{Locale: "de", Title: "Nutzungsbedingungen", Source: germanTerms},
		{Locale: "ar", Title: "شروط الاستخدام", Source: arabicTerms},
	}
	for i := range all {
		text := &all[i]
		text.Document = "terms"
		last := 0
		if version == 3 {
			last = 1
		}
		text.Source = fmt.Sprintf(text.Source, days[text.Locale][version-1], closing[text.Locale][last])
		if version > 1 {
			text.Summary = terms.ParseSummary(inShort[text.Locale][version-2])
			text.ChangeNote = changeNotes[text.Locale]
		}
	}
	return all
}

var changeNotes = map[string]string{
	"en": "Readers asked for more time, and we listened.",
	"de": "Leserinnen und Leser haben um mehr Zeit gebeten.",
	"ar": "طلب القراء وقتًا أطول فاستجبنا لهم.",
}

var inShort = map[string][2]string{
	"en": {
		"#returns Returns: You have 14 days instead of 7.",
		"#returns Returns: You have 30 days instead of 14.\n#closing Closing your account: We erase your data after 30 days, not 90.",
	},
	"de": {
		"#returns Rückgabe: Sie haben 14 Tage statt 7.",
		"#returns Rückgabe: Sie haben 30 Tage statt 14.\n#closing Konto schließen: Wir löschen Ihre Daten nach 30 Tagen statt nach 90.",
	},
	"ar": {
		"#returns الإرجاع: لديك 14 يومًا بدلًا من 7.",
		"#returns الإرجاع: لديك 30 يومًا بدلًا من 14.\n#closing إغلاق حسابك: نمحو بياناتك بعد 30 يومًا بدلًا من 90.",
	},
}

var closing = map[string][2]string{
	"en": {"within ninety (90) days", "thirty (30) days later. You can change your mind until then"},
	"de": {"innerhalb von neunzig (90) Tagen", "dreißig (30) Tage später. Bis dahin können Sie es sich anders überlegen"},
	"ar": {"خلال تسعين (90) يومًا", "بعد ثلاثين (30) يومًا، ويمكنك تغيير رأيك حتى ذلك الحين"},
}

const englishTerms = `## 1. Who we are {#who}

Harbour Books sells books by post and online. “We” in this text is Harbour Books; “you” is the person whose name is on the account.

## 2. Your account {#account}

You may open one account for yourself. Keep your password to yourself; tell us at once if you think someone else knows it.

## 3. Orders and prices {#orders}

An order becomes a contract when we confirm it by email. The price you pay is the price shown when you ordered, with tax.

- We tell you the cost of delivery before you pay.
- We charge you when the parcel leaves us, not before.

## 4. Returns {#returns}

You may return any book within %s days of the day it arrived.

## 5. Closing your account {#closing}

When you ask us to close your account we stop using your data at once and erase it %s. We keep invoices for as long as the law asks us to.

## 6. If we disagree {#disagree}

The law of the country you live in applies.
`

const germanTerms = `## 1. Wer wir sind {#who}

Harbour Books verkauft Bücher im Versand und online. „Wir“ ist in diesem Text Harbour Books, „Sie“ sind die Person, auf deren Namen das Konto lautet.

## 2. Ihr Konto {#account}

Sie können für sich ein Konto eröffnen. Behalten Sie Ihr Passwort für sich; sagen Sie uns sofort Bescheid, wenn jemand anderes es kennen könnte.

## 3. Bestellungen und Preise {#orders}

Aus einer Bestellung wird ein Vertrag, sobald wir sie per E-Mail bestätigen. Sie zahlen den Preis, der bei der Bestellung angezeigt wurde, einschließlich Steuern.

- Die Versandkosten nennen wir Ihnen vor dem Bezahlen.
- Wir buchen erst ab, wenn das Paket unser Haus verlässt.

## 4. Rückgabe {#returns}

Sie können jedes Buch innerhalb von %s Tagen nach der Ankunft zurückgeben.

## 5. Konto schließen {#closing}

Wenn Sie Ihr Konto schließen, verwenden wir Ihre Daten sofort nicht mehr und löschen sie %s. Rechnungen bewahren wir so lange auf, wie es das Gesetz verlangt.

## 6. Wenn wir uns nicht einig sind {#disagree}

Es gilt das Recht des Landes, in dem Sie leben.
`

const arabicTerms = `## 1. من نحن {#who}

تبيع Harbour Books الكتب بالبريد وعبر الإنترنت. «نحن» في هذا النص هي Harbour Books، و«أنت» هو صاحب الحساب.

## 2. حسابك {#account}

يمكنك فتح حساب واحد لنفسك. احتفظ بكلمة المرور لنفسك، وأخبرنا فورًا إن ظننت أن غيرك يعرفها.

## 3. الطلبات والأسعار {#orders}

يصبح الطلب عقدًا حين نؤكده بالبريد الإلكتروني. وتدفع السعر المعروض وقت الطلب شاملًا الضريبة.

- نخبرك بكلفة التوصيل قبل الدفع.
- لا نخصم المبلغ إلا حين يغادر الطرد مستودعنا.

## 4. الإرجاع {#returns}

يمكنك إرجاع أي كتاب خلال %s يومًا من وصوله.

## 5. إغلاق حسابك {#closing}

حين تطلب إغلاق حسابك نتوقف فورًا عن استخدام بياناتك ونمحوها %s. ونحتفظ بالفواتير للمدة التي يطلبها القانون.

## 6. إذا اختلفنا {#disagree}

يسري قانون البلد الذي تعيش فيه.
`

var privacyTexts = []terms.Text{
	{Document: "privacy", Locale: "en", Title: "Privacy notice", Source: `## What we know about you {#what}

Your name, your address for emails, the languages you chose, and what happened to your account. Nothing else.

## What for {#why}

To let you sign in, to answer you, and to keep your account safe. We sell nothing to anybody.

## Your rights {#rights}

You can see, correct, download and erase what we know, at any time, in your account.
`},
	{Document: "privacy", Locale: "de", Title: "Datenschutzhinweise", Source: `## Was wir über Sie wissen {#what}

Ihren Namen, Ihre E-Mail-Adresse, die gewählten Sprachen und was mit Ihrem Konto geschah. Sonst nichts.

## Wozu {#why}

Damit Sie sich anmelden können, damit wir Ihnen antworten können und damit Ihr Konto sicher bleibt. Wir verkaufen niemandem etwas davon.

## Ihre Rechte {#rights}

Sie können jederzeit in Ihrem Konto sehen, berichtigen, herunterladen und löschen, was wir wissen.
`},
	{Document: "privacy", Locale: "ar", Title: "إشعار الخصوصية", Source: `## ما نعرفه عنك {#what}

اسمك وعنوان بريدك الإلكتروني واللغات التي اخترتها وما جرى في حسابك، ولا شيء غير ذلك.

## لماذا {#why}

لتتمكن من تسجيل الدخول، ولنجيبك، ولنحفظ أمان حسابك. لا نبيع شيئًا لأحد.

## حقوقك {#rights}

يمكنك في أي وقت أن ترى ما نعرفه عنك وأن تصححه وتنزّله وتمحوه في حسابك.
`},
}
