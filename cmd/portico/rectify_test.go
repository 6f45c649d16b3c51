package main

import (
	"net/http"
	"strings"
	"testing"

	"portico/internal/audit"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

// Rule G-3: what the company keeps in user_metadata for people to see is asked for in their words, and corrected as declared.
func TestReadOnlyMetadataIsRectified(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara, ana := w.administrator(t, "mara@example.org"), w.member(t)
		const path, subject = "/account/data/correct", "user_metadata.shelf"
		profilePage := ana.want(ana.get("/account/profile"), http.StatusOK, "/account/profile", "Shelf")
		if form := formOf(t, profilePage, "/account/profile"); form.Has(subject) || form.Has("nickname") {
			t.Errorf("got %v, want nothing sent that can only be read", form)
		}
		ana.want(ana.send(profilePage, "/account/profile", map[string]string{"name": "Ana F."}), http.StatusOK, "/account/profile", "saved")
		if n := w.recorded(t, w.user(t, anaAddress), audit.ForbiddenField); n != 0 {
			t.Error("an honest form counts as a forged one")
		}
		ana.send(ana.get("/account/profile"), "/account/profile", map[string]string{subject: "travel"})
		if p, _ := w.DB.FindProfile(t.Context(), w.user(t, anaAddress)); w.recorded(t, p.User, audit.ForbiddenField) != 1 || p.UserMetadata["shelf"] != nil {
			t.Errorf("got %s, want a forged field recorded and without effect", p.UserMetadata.JSON())
		}

		p := ana.want(ana.get(path), http.StatusOK, path, "Shelf")
		p = ana.send(p, path, map[string]string{"subject": subject, "value": "cookbooks", "note": "By the door."})
		p = ana.want(p, http.StatusUnprocessableEntity, path, "Enter one of these: Novels · Travel books")
		if !strings.Contains(p.body, "By the door.") || formOf(t, p, path).Get("subject") != subject {
			t.Error("what was typed is lost")
		}
		ana.want(ana.send(p, path, map[string]string{"subject": "user_metadata.pages", "value": "0"}), http.StatusUnprocessableEntity, path, "enter a value that fits")
		ana.want(ana.send(p, path, map[string]string{"subject": "user_metadata.motto", "value": "x"}), http.StatusUnprocessableEntity, path, "Choose one from the list")
		p = ana.send(p, path, map[string]string{"subject": subject, "value": "travel books"})
		ana.want(p, http.StatusOK, "/account/data", "Should say: Travel books")
		_, parts := ana.file(privacy.MyData)
		if !strings.Contains(parts["profile.json"], `"disputed"`) || !strings.Contains(parts["profile.json"], `"`+subject+`"`) || !strings.Contains(page{body: parts["index.html"]}.text(), "In dispute Shelf") {
			t.Errorf("got %s, want what is in dispute marked", parts["profile.json"])
		}
		one := "/admin/requests/" + w.requests(t)[0].ID
		p = mara.want(mara.get(one), http.StatusOK, one, "Travel books")
		mara.want(mara.send(p, one, map[string]string{"answer": "Done.", "outcome": "granted"}), http.StatusOK, "/admin/requests", "")
		changed, err := w.DB.FindProfile(t.Context(), w.user(t, anaAddress))
		if err != nil || changed.UserMetadata.Text("shelf") != "travel" {
			t.Errorf("got %s, %v, want it corrected", changed.UserMetadata.JSON(), err)
		}
		ana.want(ana.get("/account/profile"), http.StatusOK, "/account/profile", "")
		if !strings.Contains(ana.get("/account/profile").body, `value="Travel books"`) {
			t.Error("the page does not show the new value")
		}
		if _, parts := ana.file(privacy.MyData); strings.Contains(parts["profile.json"], `"`+subject+`"`) {
			t.Error("what was answered is in dispute")
		}
		events, err := w.portal.config.Audit.Search(t.Context(), w.Tenant.ID, audit.Filter{User: changed.User.ID, Types: []audit.Type{audit.AdminWrote}, Limit: 9})
		if err != nil || len(events) != 1 || events[0].Fields[0] != subject {
			t.Errorf("got %+v, %v, want it in the record", events, err)
		}
	}, func(s *tenant.Settings) {
		s.Attributes = map[string]tenant.AttributePolicy{profile.FieldNickname: {Access: tenant.ReadOnly}}
		s.Metadata = []byte(`{"type": "object", "properties": {
			"shelf": {"type": "string", "enum": ["novels", "travel"], "readOnly": true, "x-label": {"en": "Shelf"}, "x-values": {"en": {"novels": "Novels", "travel": "Travel books"}}},
			"pages": {"type": "integer", "minimum": 1, "readOnly": true}, "motto": {"type": "string"}
		}}`)
	})
}
