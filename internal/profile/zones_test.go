package profile_test

import (
	"testing"

	"portico/internal/profile"
)

func TestEveryZoneIsKnown(t *testing.T) {
	t.Parallel()
	if len(profile.Zones()) < 300 {
		t.Errorf("got %d zones", len(profile.Zones()))
	}
	for _, name := range profile.Zones() {
		if _, err := profile.Zone(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
