package profile

import (
	_ "embed"
	"strings"
	"sync"
	_ "time/tzdata" // zones are the same on every machine, also on one that has none
)

//go:embed zones.txt
var zoneNames string

// Zones lists the time zones that people choose from, by their names in the IANA data base, sorted: one for each of those
// whose clocks have differed since 1970. Any other name of that data base is good too.
var Zones = sync.OnceValue(func() []string { return strings.Fields(zoneNames) })
