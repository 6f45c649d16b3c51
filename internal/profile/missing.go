package profile

import "portico/internal/tenant"

// Requires reports whether t asks for anything that a person can be without (rule P-4).
func (s *Service) Requires(t tenant.Tenant) bool {
	for _, a := range attributes {
		if a.asked(t) {
			return true
		}
	}
	for _, p := range s.Schema(t).Properties {
		if p.Required && !p.ReadOnly {
			return true
		}
	}
	return false
}

// asked reports whether t requires the attribute, and people can fill it in.
func (a attribute) asked(t tenant.Tenant) bool {
	policy := t.Policy(a.name)
	return policy.Required && policy.Access == tenant.ReadWrite
}

// Missing lists what t requires and p is without, by the names of form fields, in the order of the page (rule P-8). What an
// identity provider owns, and what people cannot fill in, is not asked for.
func (s *Service) Missing(t tenant.Tenant, p Profile) []string {
	var names []string
	for _, a := range attributes {
		if a.asked(t) && *a.value(&p) == "" && !p.IsManaged(a.name) {
			names = append(names, a.name)
		}
	}
	for _, property := range s.Schema(t).Properties {
		if property.Required && !property.ReadOnly && p.UserMetadata.Value(property.Key) == nil {
			names = append(names, MetadataField(property.Key))
		}
	}
	return names
}
