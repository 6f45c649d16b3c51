package mail_test

import (
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"strings"
	"testing"

	"portico/internal/mail"
	"portico/internal/mail/mailtest"
	"portico/internal/store/storetest"
)

// attachments reads the files of a letter as a mail program does, and whether both texts came before them.
func attachments(t *testing.T, data string) (files map[string]string, texts int) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	var walk func(contentType string, body io.Reader)
	walk = func(contentType string, body io.Reader) {
		_, parameters, err := mime.ParseMediaType(contentType)
		if err != nil {
			t.Fatal(err)
		}
		parts := multipart.NewReader(body, parameters["boundary"])
		for {
			part, err := parts.NextPart()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			kind := part.Header.Get("Content-Type")
			switch {
			case strings.HasPrefix(kind, "multipart/"):
				walk(kind, part)
			case part.FileName() == "":
				texts++
			default:
				content, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
				if err != nil {
					t.Fatal(err)
				}
				files[part.FileName()+" "+strings.SplitN(kind, ";", 2)[0]] = string(content)
			}
		}
	}
	walk(m.Header.Get("Content-Type"), m.Body)
	return files, texts
}

// A file goes from the outbox over the queue, sealed, and the mail server to the reader, byte for byte.
func TestFilesGoAlong(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		s := mailtest.New(t)
		ring := newRing(t)
		secret := strings.Repeat("\x00\xffrecord of assent\r\n.\r\n", 40000)
		err := mail.NewOutbox(f.DB, ring, f.Clock.Now, nil).Send(t.Context(), mail.Letter{
			Tenant: f.Tenant.ID, To: "ana@example.org", Kind: mail.VerifyEmail, Language: "en",
			Facts: mail.Facts{Files: []mail.File{{Name: "receipts.zip", Type: "application/zip", Content: []byte(secret)}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		runUntil(t, mail.NewWorker(configOf(f, ring, senderOver(t, s))), func() bool { return only(t, f).State == mail.Sent })
		files, texts := attachments(t, s.Letters()[0].Data)
		if texts != 2 || len(files) != 1 || files["receipts.zip application/zip"] != secret {
			t.Errorf("got %d texts and %d files, want both texts and the file as it was", texts, len(files))
		}
	})
}

func TestFileNamesWithLineBreaksAreRefused(t *testing.T) {
	t.Parallel()
	m := greeting
	m.Files = []mail.File{{Name: "a\r\nBcc: all@example.org", Type: "text/plain"}}
	if err := senderOver(t, mailtest.New(t)).Send(t.Context(), m); err == nil {
		t.Error("got a letter with a header of the file's")
	}
}
