package profile

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// The beginnings of a facet's name: which metadata object its key is of.
const (
	UserFacet = "user_metadata."
	AppFacet  = "app_metadata."
)

// Facets that the portal itself counts people by. A country is what the person or the company said it is: neither an IP
// address nor a time zone says where somebody lives.
const (
	FacetLang     = UserFacet + FieldLang
	FacetPageLang = UserFacet + FieldPageLang
	FacetCountry  = UserFacet + "country"
)

// MaxFacet is the most characters of a value that people can be told apart by.
const MaxFacet = 64

// Facets are the root keys of both metadata objects whose value is one short text, number or truth, such as
// "user_metadata.country" → "DE". They are kept beside the profile, because no SQL looks into JSON.
func (p Profile) Facets() map[string]string {
	facets := map[string]string{}
	for prefix, m := range map[string]Metadata{UserFacet: p.UserMetadata, AppFacet: p.AppMetadata} {
		for key, raw := range m {
			if value, ok := facet(raw); ok && utf8.RuneCountInString(key) <= MaxMetadataKey {
				facets[prefix+key] = value
			}
		}
	}
	return facets
}

func facet(raw json.RawMessage) (string, bool) {
	raw = bytes.TrimSpace(raw)
	value := string(raw)
	if len(raw) == 0 || bytes.ContainsAny(raw[:1], "{[n") { // an object, a list, null
		return "", false
	}
	if raw[0] == '"' && json.Unmarshal(raw, &value) != nil {
		return "", false
	}
	value = strings.TrimSpace(value)
	return value, value != "" && utf8.RuneCountInString(value) <= MaxFacet
}
